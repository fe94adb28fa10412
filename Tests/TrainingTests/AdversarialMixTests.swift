import Testing
import Training

@Suite("The adversarial mix")
struct AdversarialMixTests {
  @Test("attacks the asked-for part of every stretch, to within one", arguments: [0, 0.1, 1 / 3.0, 0.5, 0.7, 1])
  func spreads(_ fraction: Double) {
    let mix = AdversarialMix(fraction: fraction)
    for start in [0, 1, 50, 12_345] {
      for length in [1, 18, 32, 128] {
        let count = (start..<start + length).count { mix.isAdversarial(position: $0) }
        #expect(abs(Double(count) - fraction * Double(length)) < 1 + 1e-9)
      }
    }
  }

  @Test("attacks all at 1 and none at 0")
  func extremes() {
    #expect((0..<1000).allSatisfy { AdversarialMix(fraction: 1).isAdversarial(position: $0) })
    #expect(!(0..<1000).contains { AdversarialMix(fraction: 0).isAdversarial(position: $0) })
  }
}
