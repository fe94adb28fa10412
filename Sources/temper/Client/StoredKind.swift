import ArgumentParser
import Foundation
import JSON
import Jobs

/// What a server keeps beside jobs: data sets, and models.
protocol StoredKind {
  /// As a sentence names one.
  static var noun: String { get }
  /// The name of its commands.
  static var command: String { get }
  /// Of its list.
  static var path: String { get }
  static var identifier: Identifier { get }
  /// The columns of a table, each with its value.
  static var columns: [(title: String, value: (JSONValue) -> String)] { get }
}

enum StoredDataset: StoredKind {
  static let noun = "data set"
  static let command = "dataset"
  static let path = "/v1/datasets"
  static let identifier = Identifier.dataset
  static var columns: [(title: String, value: (JSONValue) -> String)] {
    [
      ("NAME", { $0["name"]?.string ?? "" }), ("SHAPE", { Self.sizes($0["shape"]) }),
      ("CLASSES", { $0["classes"]?.integer.map(String.init) ?? "" }), ("TRAIN", { Self.count($0["train"]) }),
      ("TEST", { Self.count($0["test"]) }), ("CREATED", { $0["created_at"]?.string ?? "built in" }),
    ]
  }

  private static func count(_ part: JSONValue?) -> String { part?["count"]?.integer.map(String.init) ?? "" }
}

enum StoredModel: StoredKind {
  static let noun = "model"
  static let command = "model"
  static let path = "/v1/models"
  static let identifier = Identifier.model
  static var columns: [(title: String, value: (JSONValue) -> String)] {
    [
      ("NAME", { $0["name"]?.string ?? "" }), ("FORMAT", { $0["format"]?.string ?? "" }),
      ("PARAMETERS", { $0["parameters"]?.integer.map(String.init) ?? "" }), ("INPUT", { Self.sizes($0["input"]) }),
      ("CREATED", { $0["created_at"]?.string ?? "" }),
    ]
  }
}

extension StoredKind {
  static var help: ArgumentHelp { "The \(noun): its id, the beginning or the end of it, its name, or latest." }
  static var completion: CompletionKind {
    let path = path
    return .custom { _, _, prefix in Completions.ids(at: path, beginningWith: prefix) }
  }

  /// `8×8×1`.
  static func sizes(_ value: JSONValue?) -> String {
    (value?.elements ?? []).compactMap { $0.integer.map(String.init) }.joined(separator: "×")
  }

  /// The id that a reference stands for.
  ///
  /// - Throws: `CommandFailure` when it stands for none, or for several.
  static func id(of reference: String, on client: Client) async throws -> String {
    if identifier.matches(reference) { return reference }
    let all = try await client.everything(at: path)
    func ids(_ condition: (JSONValue) -> Bool) -> [String] { all.filter(condition).compactMap { $0["id"]?.string } }
    if reference == JobReference.latest {
      // Built-in ones come last, and are no one's latest.
      guard let newest = ids({ $0["created_at"]?.string != nil }).first else {
        throw CommandFailure(.usage, "the server has no \(noun) yet")
      }
      return newest
    }
    let (begun, piece) = ("\(identifier.rawValue)_\(reference)", reference)
    let exact = ids { $0["id"]?.string == piece }
    let named = ids { $0["name"]?.string == piece }
    let close = ids { item in
      let id = item["id"]?.string ?? ""
      return id.hasPrefix(piece) || id.hasPrefix(begun) || id.hasSuffix(piece)
    }
    let found = [exact, named, close].first { !$0.isEmpty } ?? []
    guard let only = found.first else {
      throw CommandFailure(.usage, "there is no \(noun) \"\(reference)\"; temper \(command) list shows those there are")
    }
    guard found.count == 1 else {
      throw CommandFailure(
        .usage, "\"\(reference)\" stands for several; give more of the id:\n" + found.map { "  \($0)" }.joined(separator: "\n"))
    }
    return only
  }
}

extension Client {
  /// All entries of a list, over as many pages as it has.
  func everything(at path: String) async throws -> [JSONValue] {
    var (found, after): ([JSONValue], String?) = ([], nil)
    repeat {
      let query = [(name: "limit", value: "200")] + (after.map { [(name: "after", value: $0)] } ?? [])
      let page = try await send(ClientRequest(path: path, query: query)).json
      found += page["data"]?.elements ?? []
      after = page["has_more"] == true ? page["last_id"]?.string : nil
    } while after != nil
    return found
  }
}
