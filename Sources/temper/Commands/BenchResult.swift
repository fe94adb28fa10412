import JSON
import Foundation
import Jobs
import Robustness
import TensorEngine
import Training

/// The result of `temper bench`.
struct BenchResult {
  let command: Bench
  let benchmark: Benchmark
  /// The seconds of each measured step.
  let times: [Double]
  let threads: Int
  let peakBytes: Int
  let profile: BenchmarkProfile
  /// Set when more than one job was measured.
  let atOnce: JobsAtOnce?

  /// The memory of the process without a network.
  private static let processBytes = 40 << 20
  private var plannedBytes: Int { Self.processBytes + benchmark.plannedBytes }
  private var seconds: Double { times.median }
  private var examplesPerSecond: Double { Double(benchmark.batchSize) / seconds }
  private var gflops: Double { benchmark.floatingPointOperations / seconds * 1e-9 }
  private var ceiling: Double { benchmark.floatingPointOperations / profile.seconds * 1e-9 }

  var json: JSONValue {
    var members: JSONObject = [
      "architecture": .string(command.architecture), "image": .string(command.image), "batch_size": .int(Int64(benchmark.batchSize)),
      "attack_steps": .int(Int64(benchmark.attackSteps)), "precision": .string(command.precision), "threads": .int(Int64(threads)),
      "step_seconds": .array(times.map { .number($0) }), "examples_per_second": .number(examplesPerSecond), "gflops": .number(gflops),
      "ceiling_gflops": .number(ceiling), "ratio": .number(gflops / ceiling), "peak_bytes": .int(Int64(peakBytes)),
      "planned_bytes": .int(Int64(plannedBytes)),
    ]
    if let atOnce { members["jobs"] = atOnce.json }
    if command.profile { members["profile"] = .array(rows.map(\.json)) }
    return .object(members)
  }

  var text: String {
    var lines = [
      "\(command.architecture) \(command.image), batch \(benchmark.batchSize), PGD-\(benchmark.attackSteps), \(command.precision), "
        + "\(threads) threads",
      String(format: "%.1f examples/s, a step in %.1f ms", examplesPerSecond, seconds * 1e3),
      String(format: "%.1f GFLOP/s of a ceiling of %.1f: %.1f %%", gflops, ceiling, 100 * gflops / ceiling),
      String(format: "peak memory %.1f MB, planned %.1f MB", Double(peakBytes) / 1e6, Double(plannedBytes) / 1e6),
    ]
    if let atOnce { lines.append(atOnce.text) }
    if command.profile { lines += ["", BenchRow.heading] + rows.map(\.text) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The instructions of a step, the slowest first.
  private var rows: [BenchRow] {
    let attack = profile.attack.map { BenchRow(pass: "attack", count: profile.shards * profile.attackSteps, instruction: $0) }
    let training = profile.training.map { BenchRow(pass: "training", count: profile.shards, instruction: $0) }
    let all = attack + training
    let total = all.reduce(0) { $0 + $1.seconds }
    return all.map { $0.shared(of: total) }.sorted { $0.seconds > $1.seconds }
  }
}

/// The time of one instruction in a step.
private struct BenchRow {
  let pass: String
  /// How often a step runs it.
  let count: Int
  let instruction: InstructionProfile
  var share = 0.0

  /// The seconds of one thread in one step.
  var seconds: Double { instruction.seconds * Double(count) }
  private var gflops: Double { Double(instruction.floatingPointOperations) / instruction.seconds * 1e-9 }

  init(pass: String, count: Int, instruction: InstructionProfile) {
    self.pass = pass
    self.count = count
    self.instruction = instruction
  }

  func shared(of total: Double) -> BenchRow {
    var row = self
    row.share = seconds / total
    return row
  }

  static let heading = "share    thread ms  count  GFLOP/s  node  operation, kernel"

  var text: String {
    String(format: "%5.1f %%  %9.2f  %5d  %7.1f  %4d  ", 100 * share, seconds * 1e3, count, gflops, instruction.node.index)
      + "\(pass): \(instruction.label), \(instruction.implementation)"
  }

  var json: JSONValue {
    [
      "pass": .string(pass), "label": .string(instruction.label), "node": .int(Int64(instruction.node.index)),
      "implementation": .string(instruction.implementation), "count": .int(Int64(count)), "seconds": .number(seconds),
      "share": .number(share), "gflops": .number(gflops),
    ]
  }
}

/// A comparison of jobs on one engine: one after the other, and all at once. Both are measured alternately.
struct JobsAtOnce {
  private let jobs: Int
  private let batchSize: Int
  /// The seconds of a step, for each round.
  private let rounds: [(inTurn: Double, atOnce: Double)]

  init(_ first: Benchmark, _ others: [Benchmark], rounds: Int) throws {
    let all = [first] + others
    jobs = all.count
    batchSize = first.batchSize
    _ = try Benchmark.atOnce(all)
    self.rounds = try (0..<rounds).map { _ in (try Benchmark.inTurn(all), try Benchmark.atOnce(all)) }
  }

  /// For each round, the throughput of all at once divided by that of one after the other, ascending.
  private var ratios: [Double] { rounds.map { $0.inTurn / $0.atOnce }.sorted() }
  private var ratio: Double { ratios.median }
  private var examplesPerSecond: Double { Double(jobs * batchSize) / rounds.map(\.atOnce).median }

  var json: JSONValue {
    [
      "count": .int(Int64(jobs)), "examples_per_second": .number(examplesPerSecond), "ratio": .number(ratio),
      "ratios": .array(ratios.map { .number($0) }),
    ]
  }

  var text: String {
    String(format: "%d jobs at once: %.1f examples/s, %.3f of one after the other", jobs, examplesPerSecond, ratio)
  }
}

extension [Double] {
  /// The median. There must be at least one value.
  fileprivate var median: Double {
    let sorted = sorted()
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
  }
}
