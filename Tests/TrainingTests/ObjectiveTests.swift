import Attacks
import Foundation
import JSON
import Models
import Synchronization
import TensorEngine
import Testing
import Training

/// A method with state: the number of updates, and a decaying mean of each example's errors; both change what is learnt next.
private struct Stateful: Objective {
  let views = [View.clean]

  func stateCount(_ size: TrainingSize) -> Int { 1 + size.examples }

  func callAsFunction(_ examples: ViewLogits, state: MethodState, gradients: inout [Tensor]) -> [Float] {
    let losses = CrossEntropy()(examples.logits[0], labels: examples.labels, gradient: &gradients[0])
    let stride = gradients[0].stride
    return losses.enumerated().map { row, loss in
      let weight = 1 + state[0] + state[1 + examples.ids[row]]
      for index in row * stride..<(row + 1) * stride { gradients[0].values[index] *= weight }
      return weight * loss
    }
  }

  func updateState(_ state: MethodState, after batch: ViewLogits, inputGradients: [Tensor]) {
    let predicted = batch.logits[0].argmax()
    for (row, id) in batch.ids.enumerated() { state[1 + id] = 0.5 * state[1 + id] + (predicted[row] == batch.labels[row] ? 0 : 0.5) }
    state[0] += 0.01
  }
}

/// What an objective was told.
private final class Told: Sendable {
  let batches = Mutex<[(ids: [Int], gradient: Tensor)]>([])
}

private struct Asking: Objective {
  let told: Told
  let views = [View.clean]
  let needsInputGradients = true

  func stateCount(_ size: TrainingSize) -> Int { 1 }

  func callAsFunction(_ examples: ViewLogits, state: MethodState, gradients: inout [Tensor]) -> [Float] {
    CrossEntropy()(examples.logits[0], labels: examples.labels, gradient: &gradients[0])
  }

  func updateState(_ state: MethodState, after batch: ViewLogits, inputGradients: [Tensor]) {
    told.batches.withLock { $0.append((batch.ids, inputGradients[0])) }
  }
}

@Suite("An objective")
struct ObjectiveTests {
  private static let stateful = TrainingMethod(name: "stateful", summary: "For a test.", attack: nil) { _ in Stateful() }

  private func run(_ method: TrainingMethod = stateful) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.settings.method = method
    run.settings.baseEpochs = 1
    run.settings.epochs = 3
    return run
  }

  @Test("with state goes on after an interruption with that state")
  func resumes() throws {
    let whole = try run()
    let all = Interruption(after: .max)
    _ = try whole.run(threads: 1) { try all.ask() }
    for questions in stride(from: 1, to: all.questions, by: 3) {
      let broken = try run()
      let interruption = Interruption(after: questions)
      #expect(throws: Interruption.Stopped()) { try broken.run(threads: 1) { try interruption.ask() } }
      _ = try broken.run(threads: 2, resume: true)
      #expect(try broken.files() == whole.files(), "after \(questions) questions")
    }
  }

  @Test("with state learns otherwise than without")
  func mattersAtAll() throws {
    let (stateful, standard) = (try run(), try run(.standard))
    let (a, b) = (try stateful.run(), try standard.run())
    #expect(a.base.checkpoint.sha256 == b.base.checkpoint.sha256)
    #expect(a.selected.parameters.withValues(Array.init) != b.selected.parameters.withValues(Array.init))
  }

  @Test(
    "that needs them is told the gradients at the images, batch norm or not",
    arguments: [MethodReference.plain, MethodReference.normalized])
  func inputGradients(_ model: ModelDescription) throws {
    let told = Told()
    let method = TrainingMethod(name: "asking", summary: "For a test.", attack: nil) { _ in Asking(told: told) }
    let run = try run(method)
    run.model = model
    run.settings.baseEpochs = 0
    run.settings.epochs = 1
    run.settings.batchSize = 1000
    _ = try run.run()
    let first = try #require(told.batches.withLock { $0.first })
    // The same from a program that computes nothing else.
    let graph = try model.graph(input: [4, 4, 1], classes: 3)
    let session = try Session(
      Program(graph, for: .attackOnBatch), parameters: run.initial(graph), contexts: graph.sharding.count(first.ids.count))
    let classifier = BatchClassifier(session, on: TemporaryRun.engine, width: 2)
    let images = try run.dataset.train.images(at: first.ids)
    var expected = Tensor(zeros: images.shape)
    let targets = LossTargets(labels: run.dataset.train.labels(at: first.ids))
    _ = classifier.inputGradient(at: images, targets: targets, loss: CrossEntropy(), gradient: &expected)
    #expect(first.gradient.shape == expected.shape && first.gradient.values.contains { abs($0) > 1e-5 })
    let count = Float(first.ids.count)
    #expect(zip(first.gradient.values, expected.values).allSatisfy { abs($0 - $1 / count) < 1e-7 })
  }

  @Test(
    "of two views takes the sum of the gradients of both, batch norm or not",
    arguments: [MethodReference.plain, MethodReference.normalized])
  func sums(_ model: ModelDescription) throws {
    struct Twice: Objective {
      let views = [View.clean, .clean]
      func callAsFunction(_ examples: ViewLogits, state: MethodState, gradients: inout [Tensor]) -> [Float] {
        let losses = (0..<2).map { CrossEntropy()(examples.logits[$0], labels: examples.labels, gradient: &gradients[$0]) }
        return zip(losses[0], losses[1]).map { ($0 + $1) / 2 }
      }
    }
    let twice = TrainingMethod(name: "twice", summary: "For a test.", attack: nil) { _ in Twice() }
    let (one, two) = (try run(.standard), try run(twice))
    for run in [one, two] {
      run.model = model
      run.settings.baseEpochs = 0
      run.settings.epochs = 1
      // One update.
      run.settings.batchSize = 1000
      run.settings.schedule = .constant
      run.settings.select = .last
    }
    one.settings.optimizer = OptimizerSettings(.sgd(momentum: 0, weightDecay: 0), learningRate: 0.2)
    two.settings.optimizer = OptimizerSettings(.sgd(momentum: 0, weightDecay: 0), learningRate: 0.1)
    let (a, b) = (try one.run().selected.parameters, try two.run().selected.parameters)
    for parameter in a.layout.ids where a.layout[parameter].isTrained {
      #expect(zip(a[parameter].values, b[parameter].values).allSatisfy { abs($0 - $1) < 1e-6 }, "\(a.layout[parameter].name)")
    }
    // The running statistics took in each view.
    if let mean = a.layout.ids.first(where: { a.layout[$0].name.hasSuffix("running_mean") }) {
      #expect(zip(a[mean].values, b[mean].values).allSatisfy { abs(1.9 * $0 - $1) < 1e-5 })
    }
  }
}

@Suite("A perturbation of the weights")
struct WeightPerturbationTests {
  @Test("is that of the authors of AWP, and is taken off again")
  func perturbation() throws {
    let reference = try MethodReference("weight_perturbation")
    let layout = try MethodReference.plain.graph(input: [6, 6, 1], classes: 3).layout
    let parameters = MethodReference.weights(layout)
    let before = parameters.withValues(Array.init)
    var direction = [Float](repeating: 0, count: layout.trainedCount)
    for parameter in layout.ids {
      let count = layout[parameter].shape.count
      direction.replaceSubrange(layout.range(parameter), with: Noise.signed(200 + parameter.index, count: count))
    }
    let perturbation = WeightPerturbation(along: direction, of: parameters, size: 0.01)
    perturbation.add(to: parameters)
    for parameter in layout.ids {
      let changes = zip(parameters[parameter].values, before[layout.range(parameter)]).map { $0 - $1 }
      for (change, peer) in zip(changes, try reference[layout[parameter].name].values) { #expect(abs(change - peer) < 1e-6) }
    }
    perturbation.remove(from: parameters)
    #expect(zip(parameters.withValues(Array.init), before).allSatisfy { abs($0 - $1) < 1e-7 })
  }

  @Test("along nothing changes nothing")
  func nothing() throws {
    let layout = try MethodReference.plain.graph(input: [6, 6, 1], classes: 3).layout
    let parameters = MethodReference.weights(layout)
    let before = parameters.withValues(Array.init)
    WeightPerturbation(along: [Float](repeating: 0, count: layout.trainedCount), of: parameters, size: 0.01).add(to: parameters)
    #expect(parameters.withValues(Array.init) == before)
  }
}
