import Foundation
import Logging
import Service
import Yams

/// Everything that `temper serve` can be told. `config/temper.example.yaml` explains each with its default.
package struct Settings: Sendable {
  package var service = ServiceConfiguration(dataDirectory: URL(fileURLWithPath: "data", isDirectory: true))
  package var logLevel = Logger.Level.info

  package init() {}

  /// The defaults with what a YAML document sets in their place.
  ///
  /// - Parameter folder: what a relative data directory is relative to.
  /// - Throws: `SettingsError` with everything that is wrong.
  package init(yaml text: String, relativeTo folder: URL) throws {
    self.init()
    let found = try SettingsDocument(text).values
    var faults: [String] = []
    for (key, node) in found {
      do {
        guard let setting = Setting.all.first(where: { $0.field.name == key }) else { throw SettingsError(faults: Self.unknown(key, node)) }
        try setting.read(node, into: &self, folder: folder)
      } catch let error as SettingsError {
        faults += error.faults.map { "line \(node.mark?.line ?? 0): \($0)" }
      }
    }
    guard faults.isEmpty else { throw SettingsError(faults: faults) }
  }

  /// Sets what the environment names: `TEMPER_LISTEN` for `listen`, `TEMPER_STORAGE_RESERVE_BYTES` for `storage.reserve_bytes`, written as in
  /// the file. An empty variable is none.
  ///
  /// - Throws: `SettingsError` with everything that is wrong.
  package mutating func apply(environment: [String: String], relativeTo folder: URL) throws {
    var faults: [String] = []
    for setting in Setting.all {
      guard let text = environment[setting.variable], !text.isEmpty else { continue }
      do {
        // A text is taken as it is: an address in brackets would be a list.
        let node = if case .text = setting.field.type { Node(text) } else { try Yams.compose(yaml: text) ?? Node("") }
        try setting.read(node, into: &self, folder: folder)
      } catch let error as SettingsError {
        faults += error.faults.map { "\(setting.variable): \($0)" }
      } catch {
        faults.append("\(setting.variable) is not YAML")
      }
    }
    guard faults.isEmpty else { throw SettingsError(faults: faults) }
  }

  /// Each setting as the file would have it, by its key: for whoever compares them.
  package var values: [String: String] {
    Dictionary(uniqueKeysWithValues: Setting.all.map { ($0.field.name, $0.get(self).string ?? $0.get(self).serialised()) })
  }

  /// - Returns: why there is no such setting; nothing for a section of which every line is a comment.
  private static func unknown(_ key: String, _ node: Node) -> [String] {
    let names = Setting.all.map(\.field.name)
    let within = names.filter { $0.hasPrefix(key + ".") }.map { $0.dropFirst(key.count + 1) }
    if !within.isEmpty {
      return node.null != nil ? [] : ["\(key) is a section: it takes the keys \(within.joined(separator: ", ")), each on a line of its own"]
    }
    let section = key.split(separator: ".").dropLast().joined(separator: ".")
    let siblings = names.filter { section.isEmpty || $0.hasPrefix(section + ".") }
    return ["there is no setting \(key); known: \((siblings.isEmpty ? names : siblings).sorted().joined(separator: ", "))"]
  }
}

/// What is wrong with the settings, a sentence for each fault.
package struct SettingsError: Error, Equatable, CustomStringConvertible {
  package var faults: [String]

  package var description: String { faults.joined(separator: "\n") }
}

/// The scalars of a YAML document by the dotted path of their keys.
package struct SettingsDocument {
  /// The dotted paths, in order.
  package var keys: [String] { values.map(\.key) }
  private(set) var values: [(key: String, node: Node)] = []

  /// - Throws: `SettingsError` when the text is not YAML, or not a mapping of mappings and scalars.
  package init(_ text: String) throws {
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch {
      throw SettingsError(faults: ["not YAML: \(error)"])
    }
    guard let root, root.null == nil else { return }  // an empty file sets nothing
    guard case .mapping = root else { throw SettingsError(faults: ["the settings must be `key: value` lines"]) }
    try collect(root, prefix: "")
  }

  private mutating func collect(_ node: Node, prefix: String) throws {
    guard case .mapping(let mapping) = node else {
      values.append((prefix, node))
      return
    }
    for (name, value) in mapping {
      guard let name = name.string else { throw SettingsError(faults: ["line \(name.mark?.line ?? 0): a key must be a word"]) }
      try collect(value, prefix: prefix.isEmpty ? name : "\(prefix).\(name)")
    }
  }
}
