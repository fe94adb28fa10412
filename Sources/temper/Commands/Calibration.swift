import Foundation
import JSON
import Jobs
import Service
import TensorEngine
import Training

/// How long a job will take on this machine, by some steps of its own training on noise.
struct Calibration {
  struct Seconds {
    /// What it will take where examples fall to attacks as they mostly do.
    let expected: Double
    /// Where every example withstands every attack.
    let most: Double
    /// 10⁹ multiplications and additions in a second, as it was measured.
    let gflops: Double

    var json: JSONValue { ["expected": .number(expected), "most": .number(most), "gflops": .number(gflops)] }

    var text: String {
      "about \(ProgressBar.duration(expected)), at most \(ProgressBar.duration(most)), at \(ProgressBar.decimal(gflops, 1)) GFLOP/s"
    }
  }

  let seconds: Seconds

  private static let mostSteps = 5
  /// After which no further step begins.
  private static let patience = 3.0
  /// Steps of the attack: enough that they are most of the work, as they are in a job.
  private static let attackSteps = 5

  init(_ accepted: SpecCheck.Accepted) throws {
    let spec = accepted.spec
    let benchmark = try Benchmark(
      spec.model.description, input: accepted.graph.inputShape, classes: accepted.graph.outputShape.count,
      batchSize: spec.training?.batchSize ?? 64,
      attackSteps: Self.attackSteps, precision: spec.precision, engine: Engine(), limit: MachineMemory.usable)
    // The first one compiles and warms up.
    _ = try benchmark.step()
    var times: [Double] = []
    while times.count < Self.mostSteps, times.reduce(0, +) < Self.patience { times.append(try benchmark.step()) }
    let rate = benchmark.floatingPointOperations / (times.min() ?? .infinity)
    seconds = Seconds(
      expected: accepted.estimate.expectedOperations / rate, most: accepted.estimate.floatingPointOperations / rate, gflops: rate * 1e-9)
  }
}
