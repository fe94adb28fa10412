import ArgumentParser
import Foundation
import JSON

struct RetentionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retention", abstract: "Remove what the rules of retention name, or say what that would be.",
    discussion: """
      The rules are settings of the service (retention.*), which carries them out once a day by itself. Needs an admin's token where the \
      server has tokens.
      """)

  @Flag(help: "Only say what would go, and why.")
  var dryRun = false
  @Option(help: "Only this owner's things.")
  var owner: String?
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let query = [(name: "dry_run", value: dryRun ? "true" : "false")] + (owner.map { [(name: "owner", value: $0)] } ?? [])
    let answer = try await server.client().send(ClientRequest(method: "POST", path: "/v1/retention", query: query)).json
    StandardStream.output.write(output.asJSON ? answer.serialised(pretty: true) + "\n" : text(answer))
  }

  private func text(_ answer: JSONValue) -> String {
    let removals = (answer["removals"]?.elements ?? []).map { removal in
      ["kind", "id", "owner", "bytes", "reason"].map { removal[$0]?.string ?? removal[$0]?.serialised() ?? "" }
    }
    let (count, bytes) = (answer["count"]?.integer ?? 0, answer["bytes"]?.integer ?? 0)
    let kept = answer["kept"]
    let end = """
      \(dryRun ? "would go" : "go"): \(count), \(bytes) bytes; stay since something names them: \(kept?["named"]?.integer ?? 0), for their \
      evidence: \(kept?["evidence"]?.integer ?? 0)

      """
    return (removals.isEmpty ? "" : TextTable([["KIND", "ID", "OWNER", "BYTES", "WHY"]] + removals).text) + end
  }
}
