import ArgumentParser
import Foundation
import JSON
import Jobs
import Logging

struct TokenCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "Make, list and revoke the tokens that a server asks for.",
    discussion: """
      On a stopped service with --data, on a running one with --server and an admin's TEMPER_TOKEN. From the first token on, every request \
      needs one.
      """,
    subcommands: [Create.self, Tokens.self, Revoke.self])

  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a token and print its secret, which is kept nowhere.")

    @Option(help: "What it is called in lists and logs.")
    var name: String
    @Option(help: "What it allows: read, submit or admin.")
    var role: String
    @Option(help: "Whose things it sees (default: its name); * sees those of all.")
    var owner: String?
    @Option(help: ArgumentHelp("Until when it is good, RFC 3339 in UTC (default: until it is revoked).", valueName: "time"))
    var expires: String?
    @OptionGroup var place: TokenPlace
    @OptionGroup var output: OutputOptions

    func run() async throws {
      var body: JSONObject = ["name": .string(name), "role": .string(role)]
      body["owner"] = owner.map { .string($0) }
      body["expires_at"] = expires.map { .string($0) }
      let made = try await place.create(.object(body))
      StandardStream.output.write(output.asJSON ? made.serialised(pretty: true) + "\n" : "\(made["token"]?.string ?? "")\n")
    }
  }

  struct Tokens: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the tokens, without their secrets.")

    @OptionGroup var place: TokenPlace
    @OptionGroup var output: OutputOptions

    func run() async throws {
      let tokens = try await place.all()
      guard !output.asJSON else {
        return StandardStream.output.write(JSONValue.array(tokens).serialised(pretty: true) + "\n")
      }
      let rows = tokens.map { token in
        ["id", "name", "owner", "role", "created_at", "expires_at"].map { token[$0]?.string ?? "" }
      }
      StandardStream.output.write(TextTable([["ID", "NAME", "OWNER", "ROLE", "CREATED", "EXPIRES"]] + rows).text)
    }
  }

  struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Revoke a token: no request with it is taken any more.")

    @Argument(help: "The token's id, as list shows it.")
    var token: String
    @OptionGroup var place: TokenPlace

    func run() async throws { try await place.revoke(token) }
  }
}

/// Where the tokens are: in the data of a stopped service, or at a running one.
struct TokenPlace: ParsableArguments {
  @Option(help: ArgumentHelp("The data folder of a stopped service.", valueName: "dir"))
  var data: String?
  @OptionGroup var server: ServerOptions

  func validate() throws {
    if data == "" { throw ValidationError("--data must be the path of a folder.") }
    if data != nil, server.address != nil { throw ValidationError("give --data for a stopped service, or --server for a running one") }
  }

  func create(_ body: JSONValue) async throws -> JSONValue {
    guard let data else {
      return try await server.client().send(
        ClientRequest(method: "POST", path: "/v1/tokens", body: Data(body.serialised().utf8))
      ).json
    }
    let wanted: TokenRequest
    do { wanted = try TokenRequest(reading: body) } catch {
      throw CommandFailure(
        .usage, error.faults.map { "--\($0.pointer.dropFirst().prefix { $0 != "_" }) \($0.detail)" }.joined(separator: "\n"))
    }
    return try Self.with(data) { store in
      try store.makeToken(name: wanted.name, owner: wanted.owner, role: wanted.role, expiresAt: wanted.expiresAt).json
    }
  }

  func all() async throws -> [JSONValue] {
    var (tokens, after): ([JSONValue], String?) = ([], nil)
    repeat {
      let page = try await page(after: after)
      tokens += page.tokens
      after = page.next
    } while after != nil
    return tokens
  }

  private func page(after: String?) async throws -> (tokens: [JSONValue], next: String?) {
    if let data {
      let page = try Self.with(data) { try $0.tokens(after: after, limit: 200) }
      return (page.elements.map(\.json), page.hasMore ? page.elements.last?.id : nil)
    }
    let query = [(name: "limit", value: "200")] + (after.map { [(name: "after", value: $0)] } ?? [])
    let answer = try await server.client().send(ClientRequest(path: "/v1/tokens", query: query)).json
    guard case .array(let tokens)? = answer["data"] else { return ([], nil) }
    return (tokens, answer["has_more"] == true ? answer["last_id"]?.string : nil)
  }

  func revoke(_ id: String) async throws {
    guard let data else {
      _ = try await server.client().send(ClientRequest(method: "DELETE", path: "/v1/tokens/\(Client.segment(id))"))
      return
    }
    do { try Self.with(data) { try $0.revokeToken(id) } } catch let error as NotFound { throw CommandFailure(.usage, "\(error)") }
  }

  /// One process owns a data folder: while the service runs, this is refused.
  private static func with<Value>(_ path: String, _ use: (Store) throws -> Value) throws -> Value {
    do {
      var logger = Logger(label: "temper")
      logger.logLevel = .error
      let store = try Store(
        DataDirectory(URL(fileURLWithPath: path, isDirectory: true), notice: StandardStream.notice), logger: logger)
      let value = try use(store)
      try store.close()
      return value
    } catch let error as DataDirectoryError {
      throw CommandFailure(.usage, "\(error)")
    }
  }
}
