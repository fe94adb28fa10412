import JSON
import Robustness
import Testing

@Suite("Paired differences") struct PairedDifferenceTests {
  // Newcombe 1998, Statistics in Medicine 17:2635, and Fagerland, Lydersen and Laake 2014, BMC Medical Research Methodology 14: airway
  // hyper-responsiveness before and after stem cell transplantation, "Newcombe square-and-add" -0.507 to -0.026.
  @Test("intervals agree with published ones")
  func published() {
    let first = PairedDifference(both: 36, gained: 12, lost: 2, neither: 0).interval
    #expect(abs(first.low - 0.0569) < 5e-5 && abs(first.high - 0.3404) < 5e-5, "\(first)")
    let second = PairedDifference(both: 1, gained: 1, lost: 7, neither: 12).interval
    #expect(abs(second.low + 0.507) < 5e-4 && abs(second.high + 0.026) < 5e-4, "\(second)")
  }

  @Test("an exchange of the two models turns the interval round") func symmetry() {
    let one = PairedDifference(both: 700, gained: 40, lost: 25, neither: 235)
    let other = PairedDifference(both: 700, gained: 25, lost: 40, neither: 235)
    #expect(one.value == -other.value && one.p == other.p)
    #expect(abs(one.interval.low + other.interval.high) < 1e-12 && abs(one.interval.high + other.interval.low) < 1e-12)
    #expect(one.interval.low < one.value && one.value < one.interval.high)
  }

  // SciPy 1.17.1: binomtest(min(gained, lost), gained + lost, 0.5).pvalue.
  @Test(
    "McNemar's exact p agrees with SciPy's binomial test",
    arguments: [
      (7, 1, 0.0703125), (12, 2, 0.012939453125), (0, 5, 0.0625), (10, 10, 1.0), (120, 80, 0.005685155996750306),
      (1500, 1420, 0.14373900712094995), (0, 0, 1.0),
    ])
  func exact(gained: Int, lost: Int, p: Double) {
    #expect(abs(PairedDifference(both: 9, gained: gained, lost: lost, neither: 4).p - p) < 1e-9)
  }

  @Test("outcomes are counted in pairs, and a difference reads back from its JSON") func pairs() throws {
    let difference = PairedDifference([true, true, false, false, true], baseline: [true, false, true, false, false])
    #expect(difference == PairedDifference(both: 1, gained: 2, lost: 1, neither: 1))
    #expect(difference.value == 0.2)
    let value = try JSONValue(encoding: difference)
    #expect(value["p"]?.double == 1 && value["gained"] == 2 && value["interval"]?["low"] != nil)
    #expect(try value.decoded(as: PairedDifference.self) == difference)
    #expect(PairedDifference([], baseline: []).interval.low == -1)
  }

  @Test("the same models do not differ") func same() {
    let difference = PairedDifference(both: 90, gained: 0, lost: 0, neither: 10)
    #expect(difference.value == 0 && difference.p == 1 && difference.interval.low < 0 && difference.interval.high > 0)
  }
}
