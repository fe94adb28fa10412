import Attacks
import Foundation
import Models
import Robustness
import TensorEngine
import Training

/// The memory that a job takes at its peak, known before it runs: the engine plans every buffer of a program when it compiles it.
package struct Footprint: Hashable, Sendable {
  /// What the service takes without any job, its store and its connections included.
  package static let processBytes = 16 << 20

  /// What the job adds to it.
  package let jobBytes: Int

  /// The process with this job alone.
  package var peakBytes: Int { Self.processBytes + jobBytes }

  /// - Parameter threads: those that the job may use.
  /// - Throws: `KernelError` when the engine cannot compute the network.
  init(_ spec: JobSpec, _ facts: DatasetFacts, _ graph: Graph, threads: Int, programs: ProgramCache) throws {
    let used = spec.trainCount(facts)
    let weights = graph.layout.count * MemoryLayout<Float>.size
    let width = min(spec.resources.threads ?? threads, threads)
    let attack = try programs.program(graph, for: .attack)
    // Before and after, one at a time on the engine; and before that, the second as it is read beside the first and the initial ones.
    let bare =
      try spec.model.description.preprocessing.isEmpty ? nil : programs.program(spec.bareGraph(facts.shape, facts.classes), for: .attack)
    let cones = try spec.evaluation.hasSquare ? ConeProgram(graph)?.bytes(width: width) ?? 0 : 0
    let bounds = try spec.evaluation.certificate == .intervalBounds ? IntervalCertifier.program(graph, programs: programs) : nil
    let evaluated = [attack, bare, bounds].compactMap(\.self).reduce(cones) { $0 + Session.bytes($1, contexts: width) }
    let evaluating = max(2 * weights + evaluated, 5 * weights)
    var training = 0
    if let settings = spec.training {
      let plan = try TrainingPlan(graph, settings, precision: spec.precision, examples: used, width: width, programs: programs)
      let slots = settings.optimizer.updateRule.slots
      // The state of the method is copied to be saved, as the weights are.
      let state = 2 * plan.stateCount * MemoryLayout<Float>.size
      // The first weights and the present ones, a copy while a checkpoint is written, and what the optimiser remembers; and the copies of
      // weights and optimiser that are saved while training goes on.
      // The average of the weights, and its copy.
      let average = settings.averageDecay == nil ? 0 : 2 * weights
      training =
        weights * (3 + slots + plan.weightCopies) + weights * (1 + slots) + average + state + plan.bytes
        + settings.baseImageBytes(graph, examples: used)
    }
    jobBytes = facts.memoryBytes(limit: spec.dataset.limit) + max(training, evaluating)
  }
}

extension EvaluationSection {
  /// Whether Square is among the attacks: in L∞ it remembers what the network makes of images.
  fileprivate var hasSquare: Bool {
    attacks.contains { attack in (attack.parts(in: .linf) ?? [attack]).contains { $0.definition.name == AttackDefinition.square.name } }
  }
}

extension DatasetFacts {
  /// The training images that a job uses. What is held out by the data set's makers is not limited.
  func trainCount(limit: Int?) -> Int { min(limit ?? trainCount, trainCount - givenValidation) + givenValidation }

  /// The memory that a job takes for its data set: labels and indices; pixels only where they are not in a file.
  package func memoryBytes(limit: Int?) -> Int {
    let labels = (trainCount + testCount) * MemoryLayout<UInt16>.size
    // Of the examples chosen: an index and a label each.
    let used = trainCount(limit: limit)
    let view = used < trainCount ? used * (MemoryLayout<Int>.size + MemoryLayout<UInt16>.size) : 0
    // Examples are parted by class, some of each drawn, and both parts sorted: five lists at the most, which grow by doubling. The order
    // of an epoch takes no more. Of the test part some are drawn: three lists.
    let lists = (5 * trainCount + 3 * testCount) * MemoryLayout<Int>.size
    return pixelBytes + labels + view + lists
  }
}
