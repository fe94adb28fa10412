import JSON
import Foundation
import Robustness

/// The output and exit code of a command that waited for a job.
struct JobResult {
  let job: JobView
  /// nil when the job has none.
  let report: JSONValue?

  /// Prints the job with its report as a further member, or the report as a table.
  func print(asJSON: Bool) throws {
    if asJSON {
      guard case .object(var object) = job.json else { return }
      object["report"] = report ?? .null
      StandardStream.output.write(JSONValue.object(object).serialised(pretty: true) + "\n")
    } else if let report {
      StandardStream.output.write(ReportTable(try Report(of: report), bars: true).text)
    } else {
      StandardStream.output.write(job.summary)
    }
  }

  /// - Parameter gated: whether the verdict of the gates counts.
  func exitStatus(gated: Bool) -> ExitStatus {
    guard job.exitStatus == .fine, gated else { return job.exitStatus }
    return report?["verdict"]?.string.flatMap(Verdict.init).map(ExitStatus.init) ?? .inconclusive
  }
}

extension Report {
  /// - Parameter answer: a server's.
  init(of answer: JSONValue) throws {
    do {
      self = try answer.decoded(as: Report.self)
    } catch {
      throw CommandFailure(.unreachable, "the server's report cannot be read by this version of temper; take it with --json")
    }
  }
}
