import Testing
import Training

@Suite("The detector of a collapse")
struct CollapseDetectorTests {
  /// What a detector finds in readings of raw weights on 1,000 examples of ten classes.
  private func findings(_ accuracies: [Double], count: Int = 1000, chance: Double = 0.1) -> [CollapseDetector.Finding] {
    var detector = CollapseDetector()
    return accuracies.map { detector.observe(RobustMeasurement(accuracy: $0, count: count, chance: chance)) }
  }

  private func best(_ accuracy: Double, count: Int = 1000, chance: Double = 0.1) -> RobustMeasurement {
    RobustMeasurement(accuracy: accuracy, count: count, chance: chance)
  }

  @Test("finds two readings running below half of the best so far")
  func collapse() {
    #expect(findings([0.3, 0.5, 0.2, 0.24]) == [.sound, .sound, .fallen, .collapsed(from: best(0.5))])
  }

  @Test("finds one that comes slowly: it compares with the best, not with the epoch before")
  func slow() {
    #expect(findings([0.45, 0.36, 0.28, 0.21, 0.14]).last == .collapsed(from: best(0.45)))
  }

  @Test("takes a single fall for an accident")
  func accident() {
    #expect(findings([0.5, 0.01, 0.3, 0.01, 0.26]) == [.sound, .fallen, .sound, .fallen, .sound])
  }

  @Test("finds the next collapse from the same best, after two further readings")
  func again() {
    let collapsed = CollapseDetector.Finding.collapsed(from: best(0.5))
    #expect(findings([0.5, 0, 0, 0, 0, 0.4, 0]) == [.sound, .fallen, collapsed, .fallen, collapsed, .sound, .fallen])
  }

  // 0.1 + 0.1 · 0.9 = 0.19, and 0.5 + 0.1 · 0.5 = 0.55
  @Test(
    "finds none before anything was learnt, by the number of classes",
    arguments: [(0.1, 0.18, false), (0.1, 0.2, true), (0.5, 0.54, false), (0.5, 0.56, true)])
  func learnt(_ chance: Double, _ reached: Double, _ isFound: Bool) {
    let found = findings([reached, 0, 0], count: 10_000, chance: chance).last
    #expect(found == (isFound ? .collapsed(from: best(reached, count: 10_000, chance: chance)) : .sound))
  }

  // 3 · √(2 · 0.25 · 0.75 / 144) = 0.153, on 1,000 examples 0.058; 3 · √(2 · 0.37 · 0.63 / 100) = 0.205.
  @Test("finds none in what the noise of a small sample makes")
  func noise() {
    #expect(findings([0.25, 0.1, 0.1], count: 144) == [.sound, .sound, .sound])
    #expect(findings([0.25, 0.1, 0.1], count: 1000).last == .collapsed(from: best(0.25)))
    #expect(findings([0.37, 0.18, 0.18], count: 100).last == .sound)
    #expect(findings([0.37, 0.11, 0.11], count: 144).last == .collapsed(from: best(0.37, count: 144)))
    // 0.12 alone is noise, the mean with 0.05 is not.
    #expect(findings([0.25, 0.12, 0.05], count: 144) == [.sound, .sound, .collapsed(from: best(0.25, count: 144))])
  }

  @Test("finds no network that names one class for all of two in a collapse, and finds one that the attack always fools")
  func twoClasses() {
    #expect(findings([0.95, 0.5, 0.5], chance: 0.5).last == .sound)
    #expect(findings([0.95, 0.05, 0.02], chance: 0.5).last == .collapsed(from: best(0.95, chance: 0.5)))
  }

  @Test("counts averaged weights from when they have reached the raw ones")
  func averaged() {
    var detector = CollapseDetector()
    func observe(_ raw: Double, _ averaged: Double) -> [CollapseDetector.Finding] {
      [
        detector.observe(best(raw)), detector.observe(best(averaged), of: .averaged),
      ]
    }
    // The mean over updates since random weights falls while it warms up.
    #expect(observe(0.30, 0.29) == [.sound, .sound])
    #expect(observe(0.35, 0.10) == [.sound, .sound])
    #expect(observe(0.40, 0.10) == [.sound, .sound])
    #expect(observe(0.42, 0.43) == [.sound, .sound])
    // Raw weights that collapse are followed by their mean some epochs later.
    #expect(observe(0.02, 0.44) == [.fallen, .sound])
    #expect(observe(0.02, 0.20) == [.collapsed(from: best(0.42)), .fallen])
    #expect(observe(0.02, 0.10) == [.fallen, .collapsed(from: best(0.44))])
  }
}
