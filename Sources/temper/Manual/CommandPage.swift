/// The commands as a page: `docs/command-line.md`.
package enum CommandPage {
  package static var text: String {
    let commands = CommandOutline.root?.leaves ?? []
    return """
      # The command line

      `temper schema --commands` prints this page from the commands themselves. The result goes to standard output, progress and errors to \
      standard error. With `--json` the result is JSON, and so is an error: the problem document of the service (RFC 9457), with `exit_code`. \
      A job is named by its id, by the beginning or the end of it where no other job has the same, or by `latest`.

      | exit code | |
      | --- | --- |

      """ + ExitStatus.allCases.map { "| \($0.rawValue) | \($0.meaning) |\n" }.joined() + "\n"
        + commands.map(section).joined(separator: "\n")
  }

  private static func section(_ command: CommandOutline) -> String {
    var lines = ["## \(command.name)", "", "`\(command.usage)`", "", command.abstract]
    if !command.discussion.isEmpty { lines += ["", command.discussion.replacing("<", with: "&lt;")] }
    if !command.arguments.isEmpty {
      lines += ["", "| | |", "| --- | --- |"]
      lines += command.arguments.map {
        "| `\($0.usage)` | \($0.help.replacing("|", with: "\\|"))\($0.isRepeating ? " Several may be given." : "") |"
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
