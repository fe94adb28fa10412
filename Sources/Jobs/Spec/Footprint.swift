import Foundation
import Models
import TensorEngine
import Training

/// The memory that a job takes at its peak, known before it runs: the engine plans every buffer of a program when it compiles it.
package struct Footprint: Hashable, Sendable {
  /// What the process takes without any job.
  package static let processBytes = 48 << 20

  /// What the job adds to it.
  package let jobBytes: Int

  /// The process with this job alone.
  package var peakBytes: Int { Self.processBytes + jobBytes }

  /// - Parameter threads: those that the job may use.
  /// - Throws: `KernelError` when the engine cannot compute the network.
  init(_ spec: JobSpec, _ facts: DatasetFacts, _ graph: Graph, threads: Int, programs: ProgramCache) throws {
    let used = min(spec.dataset.limit ?? facts.trainCount, facts.trainCount)
    let weights = graph.layout.count * MemoryLayout<Float>.size
    let width = min(spec.resources.threads ?? threads, threads)
    let attack = try programs.program(graph, for: .attack)
    // Before and after, one at a time on the engine.
    let evaluating = 2 * weights + Session.bytes(attack, lanes: width)
    var training = 0
    if let settings = spec.training {
      let plan = try TrainingPlan(graph, settings, precision: spec.precision, examples: used, width: width, programs: programs)
      // The first weights and the present ones, what the optimiser remembers, and a copy of both while the state is written.
      training = weights * (2 + 2 * settings.optimizer.updateRule.slots + 1) + plan.bytes
    }
    let images = (facts.trainCount + facts.testCount) * facts.shape.count * facts.bytesPerValue
    jobBytes = images + max(training, evaluating)
  }
}
