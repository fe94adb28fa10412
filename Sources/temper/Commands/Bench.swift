import ArgumentParser
import Foundation
import Models
import Robustness
import Service
import TensorEngine
import Training

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure whole steps of PGD training on synthetic images.",
    discussion: """
      A step attacks each image of a batch and updates the weights by SGD, as a job does. The ceiling is the rate at which a step would \
      go if it were nothing but the kernels of its programs, each at its own best, timed alone on as many threads.
      """)

  @Option(help: "An architecture by name.")
  var architecture = "madry_cnn"
  @Option(help: ArgumentHelp("The shape of an image.", valueName: "h,w,c"))
  var image = "28,28,1"
  @Option(help: "The number of classes.")
  var classes = 10
  @Option(help: "Images in a batch.")
  var batchSize = 128
  @Option(help: "Steps of the attack before each update.")
  var attackSteps = 40
  @Option(help: "fp32, mixed or bf16.")
  var precision = "fp32"
  @Option(help: "Threads to use; each core by default.")
  var threads: Int?
  @Option(help: "Jobs to measure, one after the other and at once.")
  var jobs = 1
  @Option(help: "Steps to measure; their median counts.")
  var steps = 3
  @Option(help: "Seconds after which no further step begins.")
  var seconds = 60.0
  @Flag(help: "Show what each operation takes.")
  var profile = false
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024, not \(threads)") }
    for (name, value, range) in [
      ("classes", classes, 1...100_000), ("batch-size", batchSize, 1...65_536), ("attack-steps", attackSteps, 1...10_000),
      ("steps", steps, 1...10_000), ("jobs", jobs, 1...64),
    ] where !range.contains(value) {
      throw ValidationError("--\(name) must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
    }
    _ = try imageShape()
  }

  func run() throws {
    let engine = threads.map { Engine(threads: $0) } ?? Engine()
    let benchmark = try benchmark(on: engine)
    let times = try measured(benchmark)
    let peakBytes = ResidentMemory.peak ?? 0
    let atOnce = jobs == 1 ? nil : try JobsAtOnce(benchmark, try (1..<jobs).map { _ in try self.benchmark(on: engine) }, rounds: steps)
    let result = BenchResult(
      command: self, benchmark: benchmark, times: times, threads: engine.threads, peakBytes: peakBytes, profile: try benchmark.profile(),
      atOnce: atOnce)
    StandardStream.output.write(output.asJSON ? result.json.serialised(pretty: true) + "\n" : result.text)
  }

  private func benchmark(on engine: Engine) throws -> Benchmark {
    do {
      return try Benchmark(
        ModelDescription(.preset(architecture)), input: imageShape(), classes: classes, batchSize: batchSize, attackSteps: attackSteps,
        precision: try offeredPrecision(), engine: engine, limit: MachineMemory.usable / jobs)
    } catch let error as ModelError {
      throw CommandFailure(.usage, error.description)
    } catch let error as Benchmark.TooLarge {
      throw CommandFailure(
        .usage,
        "this would take \(error.bytes >> 20) MB, and there are \(error.limit >> 20) MB for each job: a smaller --batch-size takes less")
    }
  }

  private func offeredPrecision() throws -> Precision {
    guard let precision = Precision(rawValue: precision) else {
      throw CommandFailure(.usage, "--precision must be one of \(Precision.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    if let refusal = precision.refusal(offered: Processor.precisions) { throw CommandFailure(.usage, refusal) }
    return precision
  }

  /// The seconds of the measured steps, after one to warm up.
  private func measured(_ benchmark: Benchmark) throws -> [Double] {
    let begun = ContinuousClock.now
    _ = try benchmark.step()
    var times: [Double] = []
    while times.isEmpty || (times.count < steps && (ContinuousClock.now - begun) / .seconds(1) < seconds) {
      times.append(try benchmark.step())
    }
    return times
  }

  private func imageShape() throws -> Shape {
    let parts = image.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    let dimensions = parts.compactMap(\.self)
    guard dimensions.count == parts.count, [1, 3].contains(parts.count), dimensions.allSatisfy({ $0 > 0 }) else {
      throw ValidationError("--image must be height,width,channels or the number of features, not \(image)")
    }
    return Shape(dimensions)
  }
}

/// The peak resident memory of this process.
enum ResidentMemory {
  /// In bytes; nil when the system does not say.
  static var peak: Int? {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return nil }
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
  }
}
