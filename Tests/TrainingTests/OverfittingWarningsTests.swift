import Robustness
import Testing
import Training

@Suite("Warnings of overfitting")
struct OverfittingWarningsTests {
  @Test("a fall of more than 20 points within an epoch is catastrophic overfitting")
  func catastrophic() {
    #expect(Warning.catastrophicOverfitting(before: 0.6, after: 0.39)?.code == "catastrophic_overfitting")
    #expect(Warning.catastrophicOverfitting(before: 0.6, after: 0.41) == nil)
    #expect(Warning.catastrophicOverfitting(before: nil, after: 0) == nil)
  }

  @Test("an end more than 2 points below the best is robust overfitting")
  func robust() {
    #expect(Warning.robustOverfitting(history: [0.3, 0.5, 0.47])?.detail.contains("50.0 %") == true)
    #expect(Warning.robustOverfitting(history: [0.3, 0.5, 0.49]) == nil)
    #expect(Warning.robustOverfitting(history: []) == nil)
  }
}
