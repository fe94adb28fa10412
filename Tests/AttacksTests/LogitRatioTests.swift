import Attacks
import Foundation
import TensorEngine
import Testing

/// Stored values of the authors' code, from `Tests/Peers/apgd_reference.py`: the same logits as here.
@Suite("Losses on ratios of logits") struct LogitRatioTests {
  private static let logits = Tensor(
    [4, 5], values: (0..<4).flatMap { n in (0..<5).map { k in Float(4 * sin(1 + 1.7 * Double(n) + 2.9 * Double(k * k))) } })
  private static let targets = LossTargets(labels: [0, 3, 2, 4], targetClasses: [1, 0, 4, 2])

  private static let untargeted: [Float] = [0.0910902, 1, 1, -0.217089]
  private static let untargetedSlope: [Float] = [
    -0.281275, 0, 0.0256214, 0.255654, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -0.1445, 0, 0.665625, -0.521125,
  ]
  private static let targeted: [Float] = [-1.4677, 0.59819, 0.573226, -2.52745]
  private static let targetedSlope: [Float] = [
    -0.23994, 0.23994, -0.176079, 0.352159, -0.176079, 0.160948, 0.0481387, -0.0962774, -0.112809, 0, 0, -0.103028, -0.128219,
    0.0515138, 0.179733, -0.469628, -0.469628, 0.371622, 0, 0.567635,
  ]

  private static let losses: [any Loss] = [DifferenceOfLogitsRatio(), TargetedDifferenceOfLogitsRatio()]

  @Test(
    "values and gradients are those of the authors' code",
    arguments: [(losses[0], untargeted, untargetedSlope), (losses[1], targeted, targetedSlope)])
  func authors(loss: any Loss, values: [Float], slope: [Float]) {
    var gradient = Tensor(Self.logits.shape, values: [Float](repeating: .nan, count: 20))
    let found = loss(Self.logits, targets: Self.targets, gradient: &gradient)
    for (one, other) in zip(found, values) { #expect(abs(one - other) < 1e-5) }
    for (one, other) in zip(gradient.values, slope) { #expect(abs(one - other) < 1e-5) }
  }

  @Test("gradients are the limits of differences, for any number of classes", arguments: losses, [2, 3, 4, 5])
  func differences(loss: any Loss, classes: Int) {
    let logits = Tensor([4, classes], values: (0..<4).flatMap { Self.logits[example: $0].prefix(classes) })
    let targets = LossTargets(labels: [0, 1, 1, 0], targetClasses: [1, 0, 0, 1])
    func sum(_ logits: Tensor) -> Double {
      var ignored = Tensor(zeros: logits.shape)
      return loss(logits, targets: targets, gradient: &ignored).reduce(0) { $0 + Double($1) }
    }
    var gradient = Tensor(zeros: logits.shape)
    _ = loss(logits, targets: targets, gradient: &gradient)
    for index in logits.values.indices {
      var (up, down) = (logits, logits)
      up.values[index] += 0x1p-8
      down.values[index] -= 0x1p-8
      let slope = (sum(up) - sum(down)) / 0x1p-7
      #expect(abs(slope - Double(gradient.values[index])) < 2e-3 * max(1, abs(slope)))
    }
  }

  @Test("two classes, and three for a target, give the bare difference of logits") func undivided() {
    func values(_ loss: any Loss, _ logits: [Float], label: Int, target: Int? = nil) -> [Float] {
      let targets = LossTargets(labels: [label], targetClasses: target.map { [$0] })
      var gradient = Tensor(zeros: [1, logits.count])
      return loss(Tensor([1, logits.count], values: logits), targets: targets, gradient: &gradient) + gradient.values
    }
    #expect(values(DifferenceOfLogitsRatio(), [3, 1], label: 0) == [-2, -1, 1])
    #expect(values(DifferenceOfLogitsRatio(), [3, 1], label: 1) == [2, 1, -1])
    #expect(values(TargetedDifferenceOfLogitsRatio(), [3, 1], label: 0, target: 1) == [-2, -1, 1])
    #expect(values(TargetedDifferenceOfLogitsRatio(), [3, 7, 2], label: 0, target: 2) == [-1, -1, 0, 1])
  }

  @Test("equal logits, and logits that are NaN or infinite, have a loss all the same", arguments: losses) func broken(loss: any Loss) {
    for bad: Float in [0, 1e30, .infinity, .nan] {
      var gradient = Tensor(zeros: [1, 5])
      let targets = LossTargets(labels: [2], targetClasses: [4])
      _ = loss(Tensor([1, 5], values: [Float](repeating: bad, count: 5)), targets: targets, gradient: &gradient)
      #expect(!bad.isFinite || gradient.values.allSatisfy { $0.isFinite })
    }
  }
}
