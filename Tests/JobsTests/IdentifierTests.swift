import Foundation
import Jobs
import Testing

@Suite struct IdentifierTests {
  @Test("ids sort by the time of their making, also within a millisecond")
  func order() {
    let now = Timestamp(milliseconds: 1_700_000_000_000)
    let ids = (0..<2_000).map { _ in Identifier.job.make(at: now) } + [Identifier.job.make(at: now.advanced(bySeconds: 0.001))]
    #expect(ids == ids.sorted())
    #expect(Set(ids).count == ids.count)
  }

  @Test("an id is its kind's prefix and 26 digits of base 32")
  func form() {
    let id = Identifier.checkpoint.make()
    #expect(id.hasPrefix("ckpt_"))
    #expect(id.count == 31)
    #expect(Identifier.checkpoint.matches(id))
    #expect(!Identifier.model.matches(id))
    #expect(!Identifier.checkpoint.matches("ckpt_" + String(repeating: "u", count: 26)))
    #expect(!Identifier.checkpoint.matches("ckpt_../../etc/passwd"))
    // More than 128 bits.
    #expect(!Identifier.dataset.matches("ds_8" + String(repeating: "0", count: 25)))
  }

  @Test(
    "moments are written as RFC 3339 with milliseconds",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (1_709_210_096_007, "2024-02-29T12:34:56.007Z"), (-1, "1969-12-31T23:59:59.999Z"),
    ])
  func timestamp(_ milliseconds: Int64, _ text: String) { #expect(Timestamp(milliseconds: milliseconds).description == text) }

  @Test("an id that no clock gives, as a damaged record may have it, leaves room for the next ones")
  func greatest() {
    Identifier.advance(beyond: ["ds_7" + String(repeating: "z", count: 25)])
    let ids = (0..<3).map { _ in Identifier.dataset.make() }
    #expect(ids == ids.sorted() && Set(ids).count == 3)
    #expect(ids.allSatisfy { $0 < "ds_7" })
  }
}
