import Service
import Testing

@Suite("Multipart forms")
struct MultipartParserTests {
  private static let form =
    "a preamble\r\n--b1\r\nContent-Disposition: form-data; name=\"one\"; filename=\"x;y.gz\"\r\nContent-Type: text/plain\r\n\r\n"
    + "first\r\n--b\r\nstill\r\n--b1  \r\ncontent-disposition: form-data; name=two\r\n\r\n\r\n--b1--\r\nan epilogue"

  /// The parts with their whole contents.
  private static func parts(_ pieces: [[UInt8]]) throws -> [String] {
    var parser = MultipartParser(boundary: "b1")
    var parts: [String] = []
    for piece in pieces {
      for event in try parser.parse(piece) {
        switch event {
        case .part(let name): parts.append("\(name)=")
        case .content(let bytes): parts[parts.count - 1] += String(decoding: bytes, as: UTF8.self)
        case .endOfPart: parts[parts.count - 1] += "."
        }
      }
    }
    #expect(parser.isComplete)
    return parts
  }

  @Test func `Parts are the same wherever the bytes are split`() throws {
    let bytes = Array(Self.form.utf8)
    let expected = ["one=first\r\n--b\r\nstill.", "two=."]
    for split in 0...bytes.count {
      #expect(try Self.parts([Array(bytes[..<split]), Array(bytes[split...])]) == expected, "split at \(split)")
    }
    #expect(try Self.parts(bytes.map { [$0] }) == expected)
  }

  @Test(arguments: [
    "--b1\r\nContent-Type: text/plain\r\n\r\nx\r\n--b1--", "--b1\r\nno colon\r\n\r\nx\r\n--b1--", "--b1 x\r\n\r\n", "--b1\r\n\r\n\r\n",
    "--b1\r\nContent-Disposition: attachment; name=x\r\n\r\n", "--b1\r\nX: " + String(repeating: "x", count: 20_000),
  ])
  func `What is no form is refused`(text: String) {
    var parser = MultipartParser(boundary: "b1")
    #expect(throws: MultipartParser.Malformed.self) { try parser.parse(Array(text.utf8)) }
  }

  @Test func `A form that breaks off is not complete`() throws {
    var parser = MultipartParser(boundary: "b1")
    _ = try parser.parse(Array(Self.form.utf8.prefix(150)))
    #expect(!parser.isComplete)
  }

  @Test func `The boundary is read from the Content-Type`() throws {
    #expect(try MultipartParser.boundary(ofContentType: "multipart/form-data; Boundary=\"a;b\"; charset=x") == "a;b")
    #expect(throws: MultipartParser.Malformed.self) { try MultipartParser.boundary(ofContentType: "multipart/form-data") }
    #expect(throws: MultipartParser.Malformed.self) {
      try MultipartParser.boundary(ofContentType: "multipart/form-data; boundary=" + String(repeating: "b", count: 71))
    }
  }
}
