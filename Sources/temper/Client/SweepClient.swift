import Foundation
import JSON

/// The routes of sweeps for the commands. Each throws `Refusal` when the answer is not a success and `LostConnection` when there is none.
struct SweepClient: Sendable {
  let client: Client
  /// The seconds between two looks at a sweep that somebody waits for.
  private static let pause = 1.0
  /// The seconds without the server after which it counts as out of reach. A restart takes less.
  private static let patience = 30.0

  /// Submits a sweep. It makes one, even if the request has to be sent several times.
  func submit(_ document: JSONValue) async throws -> SweepView {
    let request = ClientRequest(
      method: "POST", path: "/v1/sweeps", headers: ["Idempotency-Key": UUID().uuidString], body: Data(document.serialised().utf8))
    return try SweepView(await JobClient(client: client).persistently(request).json)
  }

  /// Waits until all jobs have ended.
  ///
  /// - Parameters:
  ///   - timeout: the seconds after which to stop waiting; the sweep goes on.
  ///   - changed: called with each new state of the sweep.
  func untilEnd(of id: String, timeout: Double?, changed: (SweepView) -> Void) async throws -> SweepView {
    let begun = ContinuousClock.now
    var (tag, lastContact) = (String?.none, ContinuousClock.now)
    while true {
      do {
        let answer = try await client.send(
          ClientRequest(path: "/v1/sweeps/\(Client.segment(id))", headers: tag.map { ["If-None-Match": $0] } ?? [:]))
        let sweep = try SweepView(answer.json)
        tag = answer.headers["ETag"]
        lastContact = .now
        changed(sweep)
        if sweep.isTerminal { return sweep }
      } catch let refusal as Refusal where refusal.status == 304 || refusal.status == 503 && !Self.isTooLong(lastContact) {
        if refusal.status == 304 { lastContact = .now }
      } catch is LostConnection where !Self.isTooLong(lastContact) {}
      if let timeout, (ContinuousClock.now - begun) / .seconds(1) > timeout {
        throw CommandFailure(.unreachable, "the sweep \(id) has not ended within \(ProgressBar.decimal(timeout, 0)) seconds; it goes on")
      }
      try await Task.sleep(for: .seconds(Self.pause))
    }
  }

  private static func isTooLong(_ lastContact: ContinuousClock.Instant) -> Bool {
    (ContinuousClock.now - lastContact) / .seconds(1) > patience
  }
}

/// The parts of the API's sweep object that the command line uses.
struct SweepView: Sendable {
  /// A job with the values that it has.
  struct Row: Sendable {
    let job: String
    let state: String
    let values: [(field: String, value: String)]
    let json: JSONValue
  }

  let json: JSONValue
  let id: String
  let isTerminal: Bool
  let rows: [Row]

  /// - Throws: `CommandFailure` when `json` is not a sweep.
  init(_ json: JSONValue) throws {
    guard let id = json["id"]?.string, case .bool(let terminal) = json["terminal"], let table = json["table"]?.elements else {
      throw CommandFailure(.unreachable, "the server's answer is no sweep; is this a Temper server?")
    }
    self.json = json
    self.id = id
    isTerminal = terminal
    rows = table.map { row in
      var values: [(field: String, value: String)] = []
      if case .object(let object)? = row["values"] { values = object.members.map { ($0.key, $0.value.string ?? $0.value.serialised()) } }
      return Row(job: row["job"]?.string ?? "", state: row["state"]?.string ?? "", values: values, json: row)
    }
  }

  /// The exit code of a sweep that has ended.
  var exitStatus: ExitStatus {
    let states = Set(rows.map(\.state))
    return states.contains("failed") ? .jobFailed : states.contains("cancelled") ? .cancelled : .fine
  }

  private static let metrics = [("CLEAN", "clean_accuracy"), ("ROBUST", "robust_accuracy"), ("CERTIFIED", "certified_accuracy")]

  /// A table of the jobs, marked `*` on the Pareto front and `best`.
  var text: String {
    let fields = rows.first?.values.map(\.field) ?? []
    let shown = Self.metrics.filter { metric in rows.contains { $0.json[metric.1]?.double != nil } }
    let head = ["JOB", "STATE"] + fields + shown.map(\.0) + ["VERDICT", ""]
    let front = Set((json["front"]?.elements ?? []).compactMap(\.string))
    let lines = rows.map { row -> [String] in
      let figures = shown.map { row.json[$0.1]?.double.map { ProgressBar.decimal($0 * 100, 1) + "%" } ?? "" }
      let marks = (front.contains(row.job) ? ["*"] : []) + (json["best"]?.string == row.job ? ["best"] : [])
      return [row.job, row.state] + row.values.map(\.value) + figures + [row.json["verdict"]?.string ?? "", marks.joined(separator: " ")]
    }
    let end = "best: \(json["best"]?.string ?? "none"). \(json["best_reason"]?.string ?? "")\n* on the Pareto front\n"
    return TextTable([head] + lines).text + end
  }
}
