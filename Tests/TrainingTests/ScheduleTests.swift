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

  @Test("the cyclic rate rises to its peak at 40 % and falls to zero at the end, as Fast-AT's")
  func cyclic() {
    expectEqual(
      factors(.cyclic(), steps: 10, stepsPerEpoch: 2), [0.25, 0.5, 0.75, 1, 5 / 6.0, 4 / 6.0, 3 / 6.0, 2 / 6.0, 1 / 6.0, 0])
  }
}
