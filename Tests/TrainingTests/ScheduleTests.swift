import Testing
import Training

@Suite("Schedules")
struct ScheduleTests {
  private func factors(_ schedule: Schedule, steps: Int, stepsPerEpoch: Int) -> [Double] {
    (0..<steps).map { schedule.factor(step: $0, of: steps, stepsPerEpoch: stepsPerEpoch) }
  }

  private func expectEqual(_ values: [Double], _ expected: [Double]) {
    #expect(values.count == expected.count)
    for (value, other) in zip(values, expected) { #expect(abs(value - other) < 1e-12) }
  }

  @Test("a constant rate stays")
  func constant() { #expect(factors(.constant, steps: 3, stepsPerEpoch: 1) == [1, 1, 1]) }

  @Test("the cosine is PyTorch's CosineAnnealingLR")
  func cosine() { expectEqual(factors(.cosine, steps: 10, stepsPerEpoch: 5), PyTorchReference.cosine) }

  @Test("steps fall where PyTorch's MultiStepLR has them, at the first batch of an epoch")
  func steps() {
    let schedule = Schedule.step(milestones: [2, 5])
    let byEpoch = factors(schedule, steps: 21, stepsPerEpoch: 3)
    expectEqual(byEpoch, PyTorchReference.steps.flatMap { [$0, $0, $0] })
  }

  @Test("one cycle is PyTorch's OneCycleLR, along a cosine and along lines")
  func oneCycle() {
    expectEqual(factors(.oneCycle(OneCycle()), steps: 10, stepsPerEpoch: 5), PyTorchReference.oneCycleCos)
    let linear = OneCycle(peak: 0.45, anneal: .linear, divisor: 10, finalDivisor: 100)
    expectEqual(factors(.oneCycle(linear), steps: 7, stepsPerEpoch: 7), PyTorchReference.oneCycleLinear)
  }

  @Test("one cycle of few steps has finite rates", arguments: 1...4)
  func shortCycle(_ steps: Int) {
    for peak in [0.1, 0.25, 0.5, 0.9] {
      let factors = factors(.oneCycle(OneCycle(peak: peak)), steps: steps, stepsPerEpoch: 1)
      #expect(factors.allSatisfy { $0 > 0 && $0 <= 1 }, "\(peak): \(factors)")
    }
  }

  @Test("after a warm-up a schedule runs over the rest, as PyTorch's SequentialLR has it")
  func warmup() {
    func factors(_ schedule: Schedule, steps: Int, stepsPerEpoch: Int, warmup: Double) -> [Double] {
      (0..<steps).map { schedule.factor(step: $0, of: steps, stepsPerEpoch: stepsPerEpoch, warmup: warmup) }
    }
    expectEqual(factors(.cosine, steps: 10, stepsPerEpoch: 5, warmup: 0.4), PyTorchReference.warmedCosine)
    expectEqual(factors(.constant, steps: 4, stepsPerEpoch: 2, warmup: 0.5), [0.5, 1, 1, 1])
    expectEqual(factors(.step(milestones: [1]), steps: 6, stepsPerEpoch: 3, warmup: 0.34), [0.5, 1, 1, 0.1, 0.1, 0.1])
    for schedule in [Schedule.constant, .cosine, .step(milestones: [2])] {
      #expect(factors(schedule, steps: 9, stepsPerEpoch: 3, warmup: 0) == self.factors(schedule, steps: 9, stepsPerEpoch: 3))
    }
  }

  @Test("the cyclic rate rises to its peak at 40 % and falls to zero at the end, as Fast-AT's")
  func cyclic() {
    expectEqual(
      factors(.cyclic(), steps: 10, stepsPerEpoch: 2), [0.25, 0.5, 0.75, 1, 5 / 6.0, 4 / 6.0, 3 / 6.0, 2 / 6.0, 1 / 6.0, 0])
  }
}
