import JSON
import Foundation
import Logging
import Robustness

/// Writes log lines to standard error, each a JSON object: `time`, `level`, `logger`, `message`, then the metadata as members.
package struct JSONLogHandler: LogHandler {
  package var logLevel: Logger.Level
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?
  private let label: String
  private let write: @Sendable (String) -> Void

  package init(
    label: String, level: Logger.Level = .info, write: @escaping @Sendable (String) -> Void = { LogOutput.write($0) }
  ) {
    self.label = label
    self.write = write
    logLevel = level
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    var line: JSONObject = [
      "time": .string(LogTime.text(of: .now)), "level": .string(event.level.rawValue), "logger": .string(label),
      "message": .string(event.message.description),
    ]
    if let error = event.error { line["error"] = .string("\(error)") }
    for (key, value) in everything(of: event).sorted(by: { $0.key < $1.key }) where line[key] == nil { line[key] = Self.json(value) }
    write(JSONValue.object(line).serialised() + "\n")
  }

  /// Of an event alone, as nearly always, without a copy.
  private func everything(of event: LogEvent) -> Logger.Metadata {
    let provided = metadataProvider?.get() ?? [:]
    guard !metadata.isEmpty || !provided.isEmpty else { return event.metadata ?? [:] }
    return metadata.merging(provided) { $1 }.merging(event.metadata ?? [:]) { $1 }
  }

  private static func json(_ value: Logger.Metadata.Value) -> JSONValue {
    switch value {
    case .string(let text): .string(text)
    case .stringConvertible(let value): json(convertible: value)
    case .array(let elements): .array(elements.map(json))
    case .dictionary(let members): .object(object(members))
    }
  }

  private static func object(_ members: Logger.Metadata) -> JSONObject {
    var object = JSONObject()
    for (key, value) in members.sorted(by: { $0.key < $1.key }) { object[key] = json(value) }
    return object
  }

  /// Numbers and booleans keep their type, so that a log can be filtered by value.
  private static func json(convertible value: any CustomStringConvertible) -> JSONValue {
    switch value {
    case let flag as Bool: .bool(flag)
    case let number as Int: .int(Int64(number))
    case let number as Double: .number(number)
    case let number as any BinaryInteger: Int64(exactly: number).map(JSONValue.int) ?? .string(value.description)
    default: .string(value.description)
    }
  }
}
