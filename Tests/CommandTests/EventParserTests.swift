import Testing
import temper

@Suite struct EventParserTests {
  private static let stream =
    "\u{FEFF}: a comment\r\nretry: 1500\r\n\r\nid: 1\nevent: metric\ndata: {\"a\":1}\n\nid: 2\rdata:x\rdata: y\r\rdata\n\nid\nevent: only a name\n\n"
    .replacing("\u{FEFF}", with: "")

  private static let events = [
    StreamEvent(id: "1", name: "metric", data: "{\"a\":1}"), StreamEvent(id: "2", name: "message", data: "x\ny"),
    StreamEvent(id: "2", name: "message", data: ""),
  ]

  @Test("a stream is read alike wherever it is cut") func streamIsReadAlike() {
    let bytes = Array(Self.stream.utf8)
    for cut in bytes.indices {
      var parser = EventParser()
      let found = parser.feed(bytes[..<cut]) + parser.feed(bytes[cut...])
      #expect(found == Self.events, "cut at \(cut)")
      #expect(parser.retry == 1.5)
      #expect(parser.lastID == nil)
    }
  }

  @Test("what a broken connection left is dropped, and the last id kept") func whatABrokenConnectionLeft() {
    var parser = EventParser()
    #expect(parser.feed("id: 7\ndata: whole\n\nid: 8\ndata: ha".utf8).count == 1)
    parser.reset()
    #expect(parser.feed("lf\n\n".utf8).isEmpty)
    #expect(parser.feed("id: 8\ndata: half\n\n".utf8) == [StreamEvent(id: "8", name: "message", data: "half")])
  }
}
