import JSON

/// The file of settings with every setting, its default and the reason for it: `config/temper.example.yaml`.
package enum SettingsExample {
  package static var text: String {
    let introduction = comment(
      """
      Every setting of `temper serve --config FILE`, with its default and the reason for it. A file need only have what differs. A key \
      that is not among these is refused. Options of the command line (--listen, --data, --workers, --threads) come before the environment \
      (TEMPER_LISTEN, TEMPER_STORAGE_RESERVE_BYTES, …), and that before the file. `temper serve --print-config` prints what is in force, \
      `temper schema --settings` this file.
      """, indent: "")
    return document(introduction) { value($0.field.default) }
  }

  /// The settings that are in force, as a file would have them.
  package static func text(of settings: Settings) -> String {
    document(comment("The settings in force.", indent: "")) { written($0.get(settings)) }
  }

  private static func document(_ introduction: [String], _ value: (Setting) -> String) -> String {
    var lines = introduction
    var section = ""
    for setting in Setting.all {
      let path = setting.field.name.split(separator: ".").map(String.init)
      let isNested = path.count > 1
      if isNested, path[0] != section {
        section = path[0]
        lines += [""] + comment(Setting.sections[section] ?? "", indent: "") + ["\(section):"]
      } else if !isNested {
        lines.append("")
      }
      let indent = isNested ? "  " : ""
      lines += comment(setting.field.help + choices(setting.field.type), indent: indent)
      lines.append("\(indent)\(path[path.count - 1]): \(value(setting))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func choices(_ type: FieldType) -> String {
    guard case .word(let words) = type else { return "" }
    return " One of \(words.all.joined(separator: ", "))."
  }

  /// In quotes where YAML would take a text for something else.
  private static func written(_ value: JSONValue) -> String {
    guard let text = value.string,
      text.wholeMatch(of: /[A-Za-z\/][A-Za-z0-9_.\/-]*/) == nil || ["true", "false", "null", "yes", "no"].contains(text)
    else { return Self.value(value) }
    return value.serialised()
  }

  private static func value(_ value: JSONValue?) -> String {
    value?.string ?? value?.integer.map(String.init) ?? (value ?? .null).serialised()
  }

  /// Lines of at most 140 characters.
  private static func comment(_ text: String, indent: String) -> [String] {
    var lines: [String] = []
    var line = indent + "#"
    for word in text.split(whereSeparator: \.isWhitespace) {
      if line.count + 1 + word.count > 140 {
        lines.append(line)
        line = indent + "#"
      }
      line += " " + word
    }
    return lines + [line]
  }
}
