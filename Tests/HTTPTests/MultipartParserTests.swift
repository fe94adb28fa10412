import HTTP
import Testing

private func transcript(_ pieces: [[UInt8]]) -> [String] {
  var lines: [String] = []
  var data: [UInt8] = []
  do {
    var parser = try MultipartParser(boundary: "b-1")
    for piece in pieces {
      parser.append(piece)
      while let event = try parser.next() {
        switch event {
        case .part(let part): lines.append("part \(part.name) \(part.filename ?? "-") \(part.headers[.contentType] ?? "-")")
        case .data(let bytes): data += bytes
        case .endOfPart:
          lines.append("data " + data.map { String($0, radix: 16) }.joined(separator: " "))
          data = []
        }
      }
    }
    try parser.finish()
    lines.append("finished")
  } catch {
    lines.append("error \(error.status.code)")
  }
  return lines
}

struct MultipartParserTests {
  private static let form: [UInt8] =
    Array(
      "to be ignored\r\n--b-\r\n--b-1 \t\r\nContent-Disposition: form-data; name=\"train_images\"; filename=\"a \\\"b\\\".gz\"\r\n".utf8)
    + Array("Content-Type: application/gzip\r\n\r\n".utf8) + [0, 0xFF, 0x0D, 0x0D, 0x0A, 0x2D, 0x2D, 0x62, 0x2D]
    + Array("\r\n--b-1\r\ncontent-disposition: FORM-DATA;name=empty\r\n\r\n\r\n--b-1--\r\nignored too\r\n--b-1\r\n".utf8)

  private static let understood = [
    "part train_images a \"b\".gz application/gzip", "data 0 ff d d a 2d 2d 62 2d", "part empty - -", "data ", "finished",
  ]

  @Test("a form is read part by part") func aFormIsReadPartByPart() { #expect(transcript([Self.form]) == Self.understood) }

  @Test("every split of the bytes gives the same parts") func everySplitOfTheBytesGivesTheSameParts() {
    for cut in 0...Self.form.count {
      #expect(transcript([Array(Self.form[..<cut]), Array(Self.form[cut...])]) == Self.understood, "cut at \(cut)")
    }
    #expect(transcript(Self.form.map { [$0] }) == Self.understood)
  }

  @Test("a form cut off anywhere is an error") func aFormCutOffAnywhereIsAnError() throws {
    let end = Self.form.count - "\r\nignored too\r\n--b-1\r\n".utf8.count
    for cut in 0..<end { #expect(transcript([Array(Self.form[..<cut])]).last == "error 400", "cut at \(cut)") }
    #expect(transcript([Array(Self.form[..<end])]).last == "finished")
  }

  @Test(
    "a malformed form is refused",
    arguments: [
      "--b-1x\r\n", "--b-1\n", "--b-1\r\nContent-Disposition: form-data\r\n\r\n", "--b-1\r\n\r\n",
      "--b-1\r\nContent-Disposition: attachment; name=a\r\n\r\n", "--b-1\r\nContent-Disposition: form-data; name=\"a\r\n\r\n",
      "--b-1\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n", "--b-1\r\nno colon\r\n\r\n", "--b-1\r\nA: b\n\r\n", "--b-1-x",
      "--b-1\r\nX: " + String(repeating: "x", count: 9000),
    ])
  func aMalformedFormIsRefused(_ text: String) {
    #expect(transcript([Array(text.utf8)]) == ["error 400"])
    #expect(transcript(text.utf8.map { [$0] }) == ["error 400"])
  }

  @Test(
    "the boundary comes from the content type",
    arguments: [
      (nil, 415), ("text/plain", 415), ("multipart/mixed; boundary=a", 415), ("multipart/form-data", 400),
      ("multipart/form-data; boundary=\"\"", 400),
      ("multipart/form-data; boundary=\"a&b\"", 400), ("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"", 0),
      ("multipart/form-data; boundary=x", 0),
    ])
  func theBoundaryComesFromTheContentType(_ type: String?, _ status: Int) {
    do {
      _ = try MultipartParser(contentType: type)
      #expect(status == 0)
    } catch {
      #expect(error.status.code == status)
    }
  }

  @Test("the body of a request is read as a form") func theBodyOfARequestIsReadAsAForm() async throws {
    let request = Request(
      method: .post, target: try RequestTarget(parsing: "/"), headers: [.contentType: "multipart/form-data; boundary=b-1"],
      body: RequestBody(Self.form))
    var names: [String] = []
    for try await case .part(let part) in try request.multipart() { names.append(part.name) }
    #expect(names == ["train_images", "empty"])
  }
}
