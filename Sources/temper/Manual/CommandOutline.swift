import JSON

/// A command as argument-parser describes it: what manuals are made of, so that they cannot name what is not there.
package struct CommandOutline {
  package struct Argument {
    /// `--wait`, or `-o FILE`, or `SPEC`.
    let usage: String
    let help: String
    let isPositional: Bool
    let isOptional: Bool
    let isRepeating: Bool
  }

  /// With those above it: `temper dataset upload`.
  let name: String
  let abstract: String
  let discussion: String
  let arguments: [Argument]
  let subcommands: [CommandOutline]

  /// The whole command line.
  package static var root: CommandOutline? {
    (try? JSONValue(parsing: Temper._dumpHelp()))?["command"].map { CommandOutline($0, under: "") }
  }

  private init(_ document: JSONValue, under parent: String) {
    let own = document["commandName"]?.string ?? ""
    name = parent.isEmpty ? own : "\(parent) \(own)"
    abstract = document["abstract"]?.string ?? ""
    discussion = document["discussion"]?.string ?? ""
    arguments = (document["arguments"]?.elements ?? []).filter { $0["shouldDisplay"] == true }.map(Argument.init)
      .filter { !["--version", "-h, --help"].contains($0.usage) }
    let name = name
    subcommands = (document["subcommands"]?.elements ?? []).filter { $0["commandName"] != "help" }.map { CommandOutline($0, under: name) }
  }

  /// Those that do something, in the order of the help.
  var leaves: [CommandOutline] { subcommands.isEmpty ? [self] : subcommands.flatMap(\.leaves) }

  /// `temper submit SPEC [OPTIONS]`.
  var usage: String {
    let positional = arguments.filter(\.isPositional).map { argument in
      let name = argument.usage + (argument.isRepeating ? " …" : "")
      return argument.isOptional ? "[\(name)]" : name
    }
    let needed = arguments.filter { !$0.isPositional && !$0.isOptional }.map(\.usage)
    let rest = arguments.contains { !$0.isPositional && $0.isOptional } ? ["[OPTIONS]"] : []
    return ([name] + positional + needed + rest).joined(separator: " ")
  }
}

extension CommandOutline.Argument {
  fileprivate init(_ document: JSONValue) {
    let value = (document["valueName"]?.string ?? "").uppercased()
    let names = (document["names"]?.elements ?? []).map { ($0["kind"] == "long" ? "--" : "-") + ($0["name"]?.string ?? "") }
    isPositional = document["kind"] == "positional"
    isOptional = document["isOptional"] == true
    isRepeating = document["isRepeating"] == true
    help = document["abstract"]?.string ?? ""
    usage = isPositional ? value : names.joined(separator: ", ") + (document["kind"] == "option" ? " \(value)" : "")
  }
}
