import JSON
import ArgumentParser
import Robustness

struct GateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate", abstract: "Exit by the verdict of a job's gates.",
    discussion: """
      0 passed, 3 failed, 6 inconclusive or not known yet; 1 and 4 for a job that failed or was cancelled, and so never gets a verdict.
      """)

  @Argument(help: "The job's id.")
  var job: String
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let jobs = JobClient(client: try server.client())
    guard let answer = try await jobs.gate(job) else { return try await explain(jobs.job(job)) }
    guard let verdict = answer["verdict"]?.string.flatMap(Verdict.init) else {
      throw CommandFailure(.unreachable, "the server's answer is no verdict; is this a Temper server?")
    }
    StandardStream.output.write(output.asJSON ? answer.serialised(pretty: true) + "\n" : Self.lines(answer, verdict))
    try ExitStatus(verdict).exit()
  }

  /// Why there is no verdict.
  private func explain(_ job: JobView) throws {
    let reason = job.reason.map { ": \($0)" } ?? ""
    switch job.exitStatus {
    case .fine:
      throw CommandFailure(.inconclusive, "the job is \(job.state) and has no verdict yet; wait for it with temper watch \(job.id)")
    case let status: throw CommandFailure(status, "the job is \(job.state)\(reason); it has no verdict")
    }
  }

  private static func lines(_ answer: JSONValue, _ verdict: Verdict) -> String {
    let gates = (answer["gates"]?.elements ?? []).map { gate in
      let attack = gate["attack"]?.string.map { " (\($0))" } ?? ""
      let bound = gate["min"]?.double.map { " ≥ \($0)" } ?? ""
      return "\(gate["metric"]?.string ?? "")\(attack)\(bound)  \(measured(gate))  \(gate["verdict"]?.string ?? "")\n"
    }
    return gates.joined() + "verdict: \(verdict.rawValue)\n"
  }

  private static func measured(_ gate: JSONValue) -> String {
    guard let value = gate["value"]?.double else { return "–" }
    guard let low = gate["interval"]?["low"]?.double, let high = gate["interval"]?["high"]?.double else { return percent(value) }
    return "\(percent(value)) [\(percent(low)), \(percent(high))]"
  }

  private static func percent(_ share: Double) -> String { "\(ProgressBar.decimal(share * 100, 1))%" }
}
