import JSON
import ArgumentParser
import Foundation
import Jobs

extension ModelFormat: ExpressibleByArgument {}

struct Download: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Download the weights of a job, or its evidence.",
    discussion: """
      Goes through FILE.part, which a broken download is resumed from, and takes the name FILE only once the SHA-256 that the server \
      gives is right.
      """)

  @Argument(help: JobReference.help, completion: JobReference.completion)
  var job: String
  @Option(
    help: "Which checkpoint: base, last, averaged, best_robust or best_clean, or a checkpoint's id (default: best_robust).",
    completion: Completions.roles)
  var role: String?
  @Option(help: "As what the weights come: safetensors or onnx.")
  var format = ModelFormat.safetensors
  @Flag(help: "The evidence of the evaluation instead, for temper verify.")
  var evidence = false
  @Option(name: [.customShort("o"), .customLong("output")], help: ArgumentHelp("Where to.", valueName: "file"))
  var file: String
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if evidence, format != .safetensors { throw ValidationError("the evidence comes as a tar archive; --format is of weights") }
    if evidence, role != nil { throw ValidationError("--evidence and --role name two files; give one of them") }
  }

  func run() async throws {
    let target = URL(fileURLWithPath: file)
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: target.path, isDirectory: &isFolder), isFolder.boolValue {
      throw ValidationError("-o \(file) is a folder; name the file")
    }
    let part = evidence ? "evidence" : "checkpoints/\(Client.segment(role ?? "best_robust"))"
    let jobs = JobClient(client: try server.client())
    let download = FileDownload(
      client: jobs.client, path: jobs.path(try await jobs.id(of: job)) + "/\(part)",
      query: format == .safetensors ? [] : [("format", format.rawValue)], target: target)
    let outcome = try await download.run()
    if outcome.resumed > 0 { StandardStream.error.write("went on from byte \(outcome.resumed)\n") }
    StandardStream.output.write(output.asJSON ? document(outcome) : "\(outcome.sha256)  \(file)\n")
  }

  private func document(_ outcome: FileDownload.Outcome) -> String {
    let result: JSONValue = [
      "file": .string(file), "bytes": .int(Int64(outcome.bytes)), "sha256": .string(outcome.sha256),
      "resumed_from": .int(Int64(outcome.resumed)),
    ]
    return result.serialised(pretty: true) + "\n"
  }
}
