import Attacks
import Datasets
import Models
import TensorEngine
import Testing
import Training

@Suite("What surrounds an update of the weights")
struct WeightUpdateTests {
  @Test("smoothed labels have the loss and the gradient that PyTorch's have, however far the logits lie apart")
  func smoothing() throws {
    let reference = try MethodReference("smoothing", in: "updates")
    let logits = try reference["logits"]
    let smoothing = try reference["label_smoothing"].values[0]
    let examples = ViewLogits(logits: [logits], labels: (0..<12).map { $0 % 5 }, ids: Array(0..<12), labelSmoothing: smoothing)
    var gradient = Tensor(zeros: logits.shape)
    let losses = examples.crossEntropy(0, gradient: &gradient)
    for (value, peer) in zip(losses, try reference["loss"].values) { #expect(abs(value - peer) <= 1e-5 * max(1, abs(peer))) }
    for (value, peer) in zip(gradient.values, try reference["gradient"].values) { #expect(abs(value - peer) <= 1e-5) }
    // Without smoothing it is what it was, to the bit.
    var (plain, zero) = (gradient, gradient)
    #expect(
      CrossEntropy()(logits, labels: examples.labels, gradient: &plain)
        == CrossEntropy(labelSmoothing: 0)(logits, labels: examples.labels, gradient: &zero))
    #expect(plain == zero)
  }

  /// Four steps on one batch, of which the last two have a longer gradient than is allowed.
  private func clippedRun() throws -> (run: TemporaryRun, layout: ParameterLayout) {
    let reference = try MethodReference("clipped_plain", in: "updates")
    let run = try TemporaryRun()
    run.model = MethodReference.plain
    run.dataset = MethodReference.dataset
    run.settings = TrainingSettings(
      method: .standard, baseEpochs: 0, epochs: 4, batchSize: 40,
      optimizer: OptimizerSettings(.sgd(momentum: 0.9, weightDecay: 5e-4), learningRate: 2), schedule: .constant, select: .last,
      validationFraction: 0)
    run.settings.clipNorm = Double(try reference["clip_norm"].values[0])
    run.settings.labelSmoothing = Double(try reference["label_smoothing"].values[0])
    return (run, try run.model.graph(input: [6, 6, 1], classes: 3).layout)
  }

  @Test("a gradient that is too long is scaled down as PyTorch's clip_grad_norm_ does it")
  func clipping() throws {
    let reference = try MethodReference("clipped_plain", in: "updates")
    let (run, layout) = try clippedRun()
    let outcome = try run.training(initial: MethodReference.weights(layout)).run()
    for (loss, peer) in zip(outcome.history.compactMap(\.loss), try reference["losses"].values) { #expect(abs(loss - Double(peer)) < 1e-5) }
    func farthest(_ outcome: TrainingOutcome) throws -> Float {
      try layout.ids.flatMap { id in
        zip(outcome.selected.parameters[id].values, try reference[layout[id].name].values).map { abs($0 - $1) }
      }.max() ?? 0
    }
    #expect(try farthest(outcome) < 1e-4)
    let (free, _) = try clippedRun()
    free.settings.clipNorm = nil
    #expect(try farthest(free.training(initial: MethodReference.weights(layout)).run()) > 1e-2)
  }

  @Test("a run whose epsilon rises attacks within the part that it has reached, and with all of it in the end")
  func epsilon() throws {
    // A linear network: how far FGSM moves its images is epsilon, and an attack within nothing leaves them clean.
    func losses(_ warmup: Double, _ epsilon: Double) throws -> [Double] {
      let run = try TemporaryRun()
      run.model = Blobs.linear
      run.threat = Threat(norm: .linf, epsilon: epsilon)
      run.settings = TrainingSettings(
        method: .fgsm, baseEpochs: 0, epochs: 4, batchSize: 150, optimizer: OptimizerSettings(.sgd(momentum: 0), learningRate: 1e-6),
        schedule: .constant, validationFraction: 0)
      run.settings.epsilonWarmup = warmup
      return try run.run().history.compactMap(\.loss)
    }
    let rising = try losses(0.75, 0.12)
    // A step an epoch: a third of epsilon, two thirds, all of it twice.
    for (loss, epsilon) in zip(rising, [0.04, 0.08, 0.12, 0.12]) {
      let whole = try losses(0, epsilon)
      #expect(abs(loss - whole[0]) < 1e-3, "\(rising) and \(whole)")
    }
    #expect(rising[1] > rising[0] + 0.01 && rising[2] > rising[1] + 0.01)
  }
}
