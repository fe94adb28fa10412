import HTTP
import Testing

struct ByteRangeTests {
  @Test(
    "a range selects of ten bytes",
    arguments: [
      ("bytes=0-0", ByteRange.Selection.part(0..<1)), ("bytes=0-", .part(0..<10)), ("bytes=3-5", .part(3..<6)), ("bytes=9-", .part(9..<10)),
      ("bytes=5-99", .part(5..<10)), ("bytes=-3", .part(7..<10)), ("bytes=-99", .part(0..<10)), ("Bytes=1-2", .part(1..<3)),
      ("bytes= 1-2 ", .part(1..<3)), ("bytes=1-99999999999999999999999", .part(1..<10)), ("bytes=10-", .unsatisfiable),
      ("bytes=10-12", .unsatisfiable), ("bytes=-0", .unsatisfiable), ("bytes=99999999999999999999999-", .unsatisfiable),
      ("bytes=5-3", .whole),
      ("bytes=-", .whole), ("bytes=", .whole), ("bytes=a-b", .whole), ("bytes=1", .whole), ("bytes=+1-2", .whole), ("bytes=--3", .whole),
      ("items=0-1", .whole), ("bytes=0-1,3-4", .whole), ("bytes 0-1", .whole),
    ])
  func aRangeSelectsOfTenBytes(_ field: String, _ expected: ByteRange.Selection) {
    #expect(ByteRange.select(field, length: 10) == expected)
  }

  @Test("nothing can be selected of nothing") func nothingCanBeSelectedOfNothing() {
    #expect(ByteRange.select("bytes=0-", length: 0) == .unsatisfiable)
    #expect(ByteRange.select("bytes=-1", length: 0) == .unsatisfiable)
  }

  @Test(
    "a range holds for the state it was asked of",
    arguments: [
      (HTTPRequest.Method.get, "\"a\"", ByteRange.Selection.part(0..<1)), (.get, "\"b\"", .whole), (.get, "W/\"a\"", .whole),
      (.get, "Sun, 06 Nov 1994 08:49:37 GMT", .whole), (.head, "\"a\"", .whole), (.post, "\"a\"", .whole),
    ])
  func aRangeHoldsForTheStateItWasAskedOf(_ method: HTTPRequest.Method, _ ifRange: String, _ expected: ByteRange.Selection) {
    let headers: HTTPFields = [.range: "bytes=0-0", .ifRange: ifRange]
    #expect(ByteRange.select(method: method, headers: headers, length: 10, etag: EntityTag(strong: "a")) == expected)
  }

  @Test("without a condition the range always holds") func withoutAConditionTheRangeAlwaysHolds() {
    #expect(ByteRange.select(method: .get, headers: [.range: "bytes=2-"], length: 10, etag: nil) == .part(2..<10))
    #expect(ByteRange.select(method: .get, headers: [.range: "bytes=2-", .ifRange: "\"a\""], length: 10, etag: nil) == .whole)
    #expect(ByteRange.select(method: .get, headers: [:], length: 10, etag: nil) == .whole)
  }
}
