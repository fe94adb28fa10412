import ArgumentParser
import Files
import Foundation
import JSON
import Jobs
import Robustness

struct Compare: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare two jobs: their specs, their figures, and whether the difference may be chance.",
    discussion: """
      Each is a job of the server, or both are folders that temper run has left. Where both were evaluated on the same images, McNemar's \
      exact test says how likely a difference of this size is by chance alone, and Newcombe's interval how large the difference may be.
      """)

  @Argument(help: JobReference.help, completion: JobReference.completion)
  var first: String
  @Argument(help: "The other job, or folder.", completion: JobReference.completion)
  var second: String
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let comparison = if let local = try local() { local } else { try await onServer() }
    StandardStream.output.write(output.asJSON ? comparison.serialised(pretty: true) + "\n" : ComparisonTable(comparison).text)
  }

  private func onServer() async throws -> JSONValue {
    let jobs = JobClient(client: try server.client())
    return try await jobs.comparison(of: jobs.id(of: first), with: jobs.id(of: second))
  }

  /// `nil` unless both are folders of runs.
  private func local() throws -> JSONValue? {
    let folders = [first, second].map { URL(fileURLWithPath: $0, isDirectory: true) }
    guard folders.allSatisfy({ FileManager.default.fileExists(atPath: RunResults(in: $0).report.path) }) else { return nil }
    do {
      return try JobComparison(side(folders[0]), side(folders[1])).json
    } catch let error as CommandFailure {
      throw error
    } catch {
      throw CommandFailure(.usage, "the evidence of these runs cannot be compared: \(error)")
    }
  }

  private func side(_ folder: URL) throws -> JobComparison.Side {
    let results = RunResults(in: folder)
    let report: Report
    do { report = try Report(json: Data(contentsOf: results.report)) } catch {
      throw CommandFailure(.usage, "\(results.report.relativePath) is no report that this version of temper can read")
    }
    let evidence = Evidence.url(in: folder)
    return JobComparison.Side(
      name: folder.relativePath, spec: report.spec, figures: ReportFigures(report),
      evidence: FileManager.default.fileExists(atPath: evidence.path) ? try OpenFile(evidence) : nil)
  }
}
