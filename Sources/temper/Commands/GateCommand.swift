import JSON
import ArgumentParser
import Robustness

struct GateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate", abstract: "Exit by the verdict of a job's gates.",
    discussion: """
      0 passed, 3 failed, 6 inconclusive or not known yet; 1 and 4 for a job that failed or was cancelled, and so never gets a verdict.
      --junit, --sarif and --markdown leave the verdict for a CI system, also where there is none; the summary of a step of GitHub's \
      (GITHUB_STEP_SUMMARY) is written by itself.
      """)

  @Argument(help: JobReference.help, completion: JobReference.completion)
  var job: String
  @Option(
    help: ArgumentHelp("The spec that was submitted, a file of the repository; findings name its lines.", valueName: "file"),
    completion: Completions.specs)
  var spec: String?
  @OptionGroup var reports: ReportFileOptions
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let source = try spec.map { try SpecFile($0).source }
    let files = reports.files
    let jobs = JobClient(client: try server.client())
    let judged: Judged
    do {
      judged = try await self.judged(jobs.id(of: job), by: jobs, for: files)
    } catch {
      try files.write(missing: "\(error)", from: ReportOrigin(job: job, finishedAt: nil), spec: source)
      throw error
    }
    StandardStream.output.write(
      output.asJSON ? judged.answer.serialised(pretty: true) + "\n" : try Self.lines(judged.answer, judged.verdict))
    if let (report, origin) = judged.report { try files.write(report, from: origin, spec: source) }
    try ExitStatus(judged.verdict).exit()
  }

  private struct Judged {
    let answer: JSONValue
    let verdict: Verdict
    /// `nil` when nobody asks for it.
    let report: (Report, ReportOrigin)?
  }

  /// - Throws: why there is no verdict.
  private func judged(_ job: String, by jobs: JobClient, for files: ReportFiles) async throws -> Judged {
    guard let answer = try await jobs.gate(job) else { throw Self.failure(try await jobs.job(job)) }
    guard let verdict = answer["verdict"]?.string.flatMap(Verdict.init) else {
      throw CommandFailure(.unreachable, "the server's answer is no verdict; is this a Temper server?")
    }
    return Judged(answer: answer, verdict: verdict, report: try await report(of: job, from: jobs, for: files))
  }

  private func report(of job: String, from jobs: JobClient, for files: ReportFiles) async throws -> (Report, ReportOrigin)? {
    guard !files.isEmpty else { return nil }
    do {
      return try await report(of: job, from: jobs)
    } catch  where files.wanted.isEmpty {
      // Nobody asked this command for the summary, so its verdict does not hang on it.
      StandardStream.error.write("the summary of the step (GITHUB_STEP_SUMMARY) is not written: \(error)\n")
      return nil
    }
  }

  private func report(of job: String, from jobs: JobClient) async throws -> (Report, ReportOrigin) {
    let view = try await jobs.job(job)
    guard let report = try await jobs.report(job) else {
      throw CommandFailure(.unreachable, "the server has a verdict of the job, but no report")
    }
    return (try Report(of: report), ReportOrigin(job: view.id, finishedAt: view.json["finished_at"]?.string))
  }

  /// Why there is no verdict.
  private static func failure(_ job: JobView) -> CommandFailure {
    let reason = job.reason.map { ": \($0)" } ?? ""
    return switch job.exitStatus {
    case .fine where job.kind == "generate":
      CommandFailure(.inconclusive, "the job is \(job.state) and has no verdict: a job of kind generate makes images, and no report")
    case .fine: CommandFailure(.inconclusive, "the job is \(job.state) and has no verdict yet; wait for it with temper watch \(job.id)")
    case let status: CommandFailure(status, "the job is \(job.state)\(reason); it has no verdict")
    }
  }

  private static func lines(_ answer: JSONValue, _ verdict: Verdict) throws -> String {
    guard let gates = try? answer["gates"]?.decoded(as: [GateResult].self) else {
      throw CommandFailure(.unreachable, "the server's gates cannot be read by this version of temper; take them with --json")
    }
    let lines = gates.map { gate in
      let measured = [gate.shownValue, gate.shownInterval].filter { !$0.isEmpty }.joined(separator: " ")
      return "\(gate.gate.title)  \(measured)  \(gate.verdict.rawValue)\n"
    }
    return lines.joined() + "verdict: \(verdict.rawValue)\n"
  }
}
