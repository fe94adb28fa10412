import JSON

/// The file of settings with every setting, its default and the reason for it: `config/temper.example.yaml`.
package enum SettingsExample {
  package static var text: String {
    var lines = comment(
      """
      Every setting of `temper serve --config FILE`, with its default and the reason for it. A file need only have what differs. A key \
      that is not among these is refused. Options of the command line (--listen, --data, --workers, --threads) come before the file. \
      `temper schema --settings` prints this file.
      """, indent: "")
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
      lines.append("\(indent)\(path[path.count - 1]): \(value(setting.field.default))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func choices(_ type: FieldType) -> String {
    guard case .word(let words) = type else { return "" }
    return " One of \(words.all.joined(separator: ", "))."
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
