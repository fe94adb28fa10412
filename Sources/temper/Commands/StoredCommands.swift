import ArgumentParser
import JSON

/// The commands that data sets and models share.
struct ListStored<Kind: StoredKind>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(commandName: "list", abstract: "List a server's \(Kind.noun)s, newest first.")
  }

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let all = try await server.client().everything(at: Kind.path)
    guard !output.asJSON else { return StandardStream.output.write(JSONValue.array(all).serialised(pretty: true) + "\n") }
    let rows = all.map { item in [item["id"]?.string ?? ""] + Kind.columns.map { $0.value(item) } }
    StandardStream.output.write(TextTable([["ID"] + Kind.columns.map(\.title)] + rows).text)
  }
}

struct ShowStored<Kind: StoredKind>: AsyncParsableCommand {
  static var configuration: CommandConfiguration { CommandConfiguration(commandName: "show", abstract: "Show a \(Kind.noun).") }

  @Argument(help: Kind.help, completion: Kind.completion)
  var id: String
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let client = try server.client()
    let path = "\(Kind.path)/\(Client.segment(try await Kind.id(of: id, on: client)))"
    let item = try await client.send(ClientRequest(path: path)).json
    StandardStream.output.write(output.asJSON ? item.serialised(pretty: true) + "\n" : Self.text(item))
  }

  private static func text(_ item: JSONValue) -> String {
    var rows = Kind.columns.map { ["  \($0.title.lowercased())", $0.value(item)] }
    rows += [("class_names", "class names"), ("train", "training images"), ("validation", "validation images"), ("test", "test images")]
      .compactMap { member, title in
        let values =
          item[member]?.elements?.compactMap(\.string) ?? item[member]?["per_class"]?.elements?.compactMap { $0.integer.map(String.init) }
        return values.map { ["  \(title)", $0.joined(separator: ", ")] }
      }
    if let tensors = item["tensors"]?.elements { rows.append(["  tensors", String(tensors.count)]) }
    rows += ["sha256", "bytes"].compactMap { name in item[name].map { ["  \(name)", $0.string ?? $0.serialised()] } }
    rows += (item["warnings"]?.elements ?? []).map { ["  warning", "\($0["code"]?.string ?? ""): \($0["detail"]?.string ?? "")"] }
    return "\(item["id"]?.string ?? "")\n" + TextTable(rows.filter { !$0[1].isEmpty }).text
  }
}

struct DeleteStored<Kind: StoredKind>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(commandName: "delete", abstract: "Delete \(Kind.noun)s that no job needs.")
  }

  @Argument(help: Kind.help, completion: Kind.completion)
  var ids: [String]
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let client = try server.client()
    for reference in ids {
      let id = try await Kind.id(of: reference, on: client)
      _ = try await client.send(ClientRequest(method: "DELETE", path: "\(Kind.path)/\(Client.segment(id))"))
      if !output.asJSON { StandardStream.error.write("deleted \(id)\n") }
    }
  }
}
