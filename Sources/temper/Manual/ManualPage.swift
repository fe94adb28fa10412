import Service

/// The commands as a page of the manual, for `man temper` (man(7)).
package enum ManualPage {
  package static var text: String {
    guard let root = CommandOutline.root else { return "" }
    var lines = [
      ".TH TEMPER 1 \"\" \"temper \(TemperVersion.current)\" \"Temper\"", ".SH NAME", "temper \\- \(escaped(root.abstract))",
      ".SH SYNOPSIS",
      ".B temper", "COMMAND [ARGUMENTS]", ".SH COMMANDS",
    ]
    for command in root.leaves {
      lines += [".SS \(escaped(command.usage))", escaped(command.abstract)]
      if !command.discussion.isEmpty { lines += [".PP", escaped(command.discussion)] }
      for argument in command.arguments { lines += [".TP", ".B \(escaped(argument.usage))", escaped(argument.help)] }
    }
    lines.append(".SH EXIT STATUS")
    for status in ExitStatus.allCases { lines += [".TP", ".B \(status.rawValue)", escaped(status.meaning) + "."] }
    lines += [".SH ENVIRONMENT"]
    for (name, help) in environment { lines += [".TP", ".B \(name)", escaped(help)] }
    return lines.joined(separator: "\n") + "\n"
  }

  private static let environment = [
    ("TEMPER_SERVER", "The server that commands ask, instead of http://127.0.0.1:8080."),
    ("TEMPER_TOKEN", "The token that they show it."),
    ("TEMPER_KERNELS", "The instruction set of the kernels: sse, avx2, avx512 or avx512_bf16, instead of the best that the processor has."),
  ]

  /// Hyphens are hyphens, and no line begins a request.
  private static func escaped(_ text: String) -> String {
    text.split(separator: "\n").map { line in
      let plain = line.replacing("\\", with: "\\e").replacing("-", with: "\\-")
      return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&" + plain : plain
    }.joined(separator: "\n.PP\n")
  }
}
