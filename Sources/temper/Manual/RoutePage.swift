import Foundation
import JSON
import Logging
import Service

/// The API as a page, of the contract that the service gives at `/openapi.json`: `docs/api.md`.
package enum RoutePage {
  /// - Throws: when there is no temporary folder to open a service in.
  package static func text() throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("temper-\(UUID().uuidString)", isDirectory: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var logger = Logger(label: "temper")
    logger.logLevel = .error
    return text(of: try TemperService(configuration: ServiceConfiguration(dataDirectory: folder), logger: logger).contract)
  }

  static func text(of contract: JSONValue) -> String {
    var lines = [
      "# The API", "",
      "`temper schema --routes` prints this page from the contract that the service gives at `/openapi.json` (OpenAPI 3.1), which has every "
        + "body and every answer with its members too. Errors are problem documents (RFC 9457): `type`, `title`, `status`, `detail`, "
        + "`request_id`, and for a spec `errors` with a JSON Pointer each. Every GET of a resource has an `ETag`; lists have `limit` and "
        + "`after`; a POST that creates takes an `Idempotency-Key`.", "",
    ]
    for (path, item) in members(contract["paths"]) {
      for (method, operation) in members(item) { lines += section(method.uppercased(), path, operation) }
    }
    lines += ["## Kinds of errors", "", "`type` is `urn:temper:problem:` and one of these:", ""]
    let kinds = contract["components"]?["schemas"]?["Problem"]?["properties"]?["type"]?["enum"]?.elements ?? []
    lines.append(
      kinds.compactMap(\.string).filter { $0.hasPrefix("urn:") }.map { "`\($0.split(separator: ":").last ?? "")`" }.joined(separator: ", "))
    return lines.joined(separator: "\n") + "\n"
  }

  private static func section(_ method: String, _ path: String, _ operation: JSONValue) -> [String] {
    let access = operation["x-temper-access"]?.string ?? ""
    let role = access == "anyone" ? "Needs no token." : "Role: `\(access)`."
    var lines = ["## \(method) \(path)", "", "\(operation["summary"]?.string ?? "") \(role)", ""]
    let parameters = (operation["parameters"]?.elements ?? []).filter { $0["in"] == "query" }
    if !parameters.isEmpty {
      lines += ["| `?` | takes | |", "| --- | --- | --- |"] + parameters.map(row) + [""]
    }
    if let types = operation["requestBody"]?["content"] { lines += ["Body: \(words(members(types).map(\.key))).", ""] }
    lines += ["| answer | |", "| --- | --- |"]
    for (status, answer) in members(operation["responses"]) where status != "default" {
      let types = members(answer["content"]).map(\.key).filter { $0 != "application/problem+json" }
      lines.append("| \(status) | \(answer["description"]?.string ?? "")\(types.isEmpty ? "" : " \(words(types))") |")
    }
    return lines + [""]
  }

  private static func row(_ parameter: JSONValue) -> String {
    let schema = parameter["schema"]
    let choices = schema?["enum"]?.elements?.compactMap(\.string).map { "`\($0)`" }.joined(separator: ", ")
    let bounds = ["minimum": "from", "maximum": "to"].sorted { $0.value < $1.value }.compactMap { name, word in
      schema?[name].map { "\(word) \($0.serialised())" }
    }
    let usual = schema?["default"].map { ", by default `\($0.string ?? $0.serialised())`" } ?? ""
    let type = choices ?? ([schema?["type"]?.string ?? "a value"] + bounds).joined(separator: " ")
    let needed = parameter["required"] == true ? ", required" : ""
    return "| `\(parameter["name"]?.string ?? "")` | \(type)\(usual)\(needed) | \(parameter["description"]?.string ?? "") |"
  }

  private static func words(_ types: [String]) -> String { types.map { "`\($0)`" }.joined(separator: ", ") }

  private static func members(_ value: JSONValue?) -> [(key: String, value: JSONValue)] {
    guard case .object(let object)? = value else { return [] }
    return object.members.map { ($0.key, $0.value) }
  }
}
