import ArgumentParser
import Files
import Foundation
import JSON

struct Export: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write the history of jobs for another program: event files for TensorBoard.",
    discussion: """
      Each job becomes a run in a folder of its own under DIR: training/… by epoch as it was measured, report/… what the report says of the \
      final model. tensorboard --logdir DIR shows them beside each other.
      """)

  @Argument(help: JobReference.help, completion: JobReference.completion)
  var jobs: [String]
  @Option(help: ArgumentHelp("Where to write TensorBoard's event files.", valueName: "dir"), completion: .directory)
  var tensorboard: String
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let client = JobClient(client: try server.client())
    var files: [String] = []
    for reference in jobs {
      let job = try await client.job(client.id(of: reference))
      files.append(try write(JobRecords(job, events: try await client.events(job.id))))
    }
    let document = JSONValue.object(["files": .array(files.map(JSONValue.string))])
    StandardStream.output.write(output.asJSON ? document.serialised(pretty: true) + "\n" : files.map { $0 + "\n" }.joined())
  }

  private func write(_ records: JobRecords) throws -> String {
    let folder = URL(fileURLWithPath: tensorboard, isDirectory: true).appendingPathComponent(records.folder, isDirectory: true)
    let file = folder.appendingPathComponent(records.file)
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try AtomicFile.write(Data(records.bytes), to: file)
    } catch {
      throw CommandFailure(.usage, "--tensorboard \(tensorboard) cannot be written: \(FileFault.reason(error))")
    }
    return file.relativePath
  }
}
