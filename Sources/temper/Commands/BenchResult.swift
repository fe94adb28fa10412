import JSON
import Foundation
import Jobs
import Robustness
import TensorEngine
import Training

/// What `temper bench` measured.
struct BenchResult {
  let command: Bench
  let benchmark: Benchmark
  /// The seconds of each step.
  let times: [Double]
  let threads: Int
  let peakBytes: Int
  let profile: BenchmarkProfile
  /// When more than one job was asked for.
  let atOnce: JobsAtOnce?

  /// What the process takes without a network.
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

  /// The instructions of a step, the longest first.
  private var rows: [BenchRow] {
    let attack = profile.attack.map { BenchRow(pass: "attack", count: profile.shards * profile.attackSteps, instruction: $0) }
    let training = profile.training.map { BenchRow(pass: "training", count: profile.shards, instruction: $0) }
    let all = attack + training
    let total = all.reduce(0) { $0 + $1.seconds }
    return all.map { $0.shared(of: total) }.sorted { $0.seconds > $1.seconds }
  }
}

/// What one instruction takes of a step.
private struct BenchRow {
  let pass: String
  /// How often a step has it.
  let count: Int
  let instruction: InstructionProfile
  var share = 0.0

  /// Of one thread, in one step.
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

/// Jobs on one engine, one after the other and all at once, in turn.
struct JobsAtOnce {
  private let jobs: Int
  private let batchSize: Int
  /// The seconds of a step of each.
  private let rounds: [(inTurn: Double, atOnce: Double)]

  init(_ first: Benchmark, _ others: [Benchmark], rounds: Int) throws {
    let all = [first] + others
    jobs = all.count
    batchSize = first.batchSize
    _ = try Benchmark.atOnce(all)
    self.rounds = try (0..<rounds).map { _ in (try Benchmark.inTurn(all), try Benchmark.atOnce(all)) }
  }

  /// The throughput at once as a part of that of one after the other, of each round, from the smallest.
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
  /// The value in the middle, or between the two that are; of at least one.
  fileprivate var median: Double {
    let sorted = sorted()
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
  }
}
