import ArgumentParser
import Files
import Foundation
import Robustness

struct ReportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Show the report of a job, with its curve drawn in block characters.",
    discussion: """
      --format takes another form of it: html (one page with its pictures, to mail or print), md, csv, junit.xml, sarif, or a picture: \
      curve.svg, history.svg, confusion.svg, examples.png. Exits with 0 whatever the verdict is; temper gate exits by it.
      """)

  @Argument(help: JobReference.help, completion: JobReference.completion)
  var job: String
  @Option(help: "The form of the report (default: a table for the terminal).", completion: .list(suffixes + pictures))
  var format: String?
  @Option(name: [.customShort("o"), .customLong("output")], help: ArgumentHelp("Where to; standard output by default.", valueName: "file"))
  var file: String?
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  private static let suffixes = ReportFormat.all.map(\.suffix)
  private static let pictures = ReportPicture.all.map(\.name)

  func validate() throws {
    guard let format else { return }
    let all = Self.suffixes + Self.pictures
    guard all.contains(format) else { throw ValidationError("--format must be one of \(all.joined(separator: ", ")), not \(format)") }
    if output.asJSON { throw ValidationError("--json and --format name two forms; give one of them") }
  }

  func run() async throws {
    let jobs = JobClient(client: try server.client())
    let content = try await content(of: jobs.id(of: job), from: jobs)
    guard let file else { return StandardStream.output.write([UInt8](content)) }
    do {
      try AtomicFile.write(content, to: URL(fileURLWithPath: file))
    } catch {
      throw CommandFailure(.usage, "-o \(file) cannot be written: \(error)")
    }
  }

  private func content(of job: String, from jobs: JobClient) async throws -> Data {
    if let format {
      let part = Self.pictures.contains(format) ? "/report/\(format)" : "/report.\(format)"
      return try await jobs.persistently(ClientRequest(path: jobs.path(job) + part)).body
    }
    guard let report = try await jobs.report(job) else {
      let job = try await jobs.job(job)
      let reason = job.reason.map { ": \($0)" } ?? ""
      let status: ExitStatus = job.exitStatus == .fine ? .inconclusive : job.exitStatus
      throw CommandFailure(status, "the job is \(job.state) and has no report\(reason)")
    }
    let text = output.asJSON ? report.serialised(pretty: true) + "\n" : ReportTable(try Report(of: report), bars: true).text
    return Data(text.utf8)
  }
}
