import HTTP
import Testing

/// The result of a parser, in a form that can be compared.
private func transcript(_ pieces: [[UInt8]], limits: ServerConfiguration.Limits = .init()) -> [String] {
  var parser = RequestParser(limits: limits)
  var lines: [String] = []
  var body: [UInt8] = []
  for piece in pieces {
    parser.append(piece)
    do {
      while let event = try parser.next() {
        switch event {
        case .head(let head):
          let fields = head.headers.map { "\($0.name.canonicalName)=\($0.value)" }.joined(separator: "|")
          lines.append("\(head.method.rawValue) \(head.target.raw) 1.\(head.minorVersion) \(head.framing) keep=\(head.keepAlive) \(fields)")
        case .body(let bytes): body += bytes
        case .end:
          lines.append("body \(String(decoding: body, as: UTF8.self))")
          body = []
        }
      }
    } catch {
      lines.append("error \(error.status.code)")
      return lines
    }
  }
  if !parser.isBetweenRequests { lines.append("incomplete") }
  return lines
}

private func transcript(_ text: String, limits: ServerConfiguration.Limits = .init()) -> [String] {
  transcript([Array(text.utf8)], limits: limits)
}

private let get = "GET / HTTP/1.1\r\nHost: a\r\n"
private let post = "POST / HTTP/1.1\r\nHost: a\r\n"

struct RequestParserTests {
  private static let several =
    "\r\nPOST /v1/a%20b?x=1&y HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: Chunked\r\n\r\n"
    + "5;name=\"v\"\r\nhello\r\n00a \t;q\r\n, world...\r\n0\r\nTrailer: t\r\n\r\n"
    + "PUT /b HTTP/1.0\r\nContent-Length: 3, 3\r\nConnection: keep-alive\r\n\r\nabc"
    + "GET http://h:1/c?d HTTP/1.1\r\nHost: h:1\r\nX:\t v w \t\r\n\r\n"

  private static let understood = [
    "POST /v1/a%20b?x=1&y 1.1 chunked keep=true host=[::1]:80|transfer-encoding=Chunked", "body hello, world...",
    "PUT /b 1.0 length(3) keep=true content-length=3, 3|connection=keep-alive", "body abc",
    "GET http://h:1/c?d 1.1 none keep=true host=h:1|x=v w", "body ",
  ]

  @Test("requests follow one another") func requestsFollowOneAnother() { #expect(transcript(Self.several) == Self.understood) }

  @Test("every split of the bytes gives the same requests") func everySplitOfTheBytesGivesTheSameRequests() {
    let bytes = Array(Self.several.utf8)
    for cut in 0...bytes.count {
      #expect(transcript([Array(bytes[..<cut]), Array(bytes[cut...])]) == Self.understood, "cut at \(cut)")
    }
    #expect(transcript(bytes.map { [$0] }) == Self.understood)
  }

  @Test(
    "a broken head is refused",
    arguments: [
      // RFC 9112 §3: the request line
      ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /\r\nHost: a\r\n\r\n", 400), (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400), ("GET / http/1.1\r\nHost: a\r\n\r\n", 400), ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400), ("GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", 400), ("\r\n\r\n\r\n", 400),
      ("GET / HTTP/2.0\r\n", 505), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505), ("GET / HTTP/0.9\r\n\r\n", 505),
      ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /#f HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("GET /?a=%f HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      // RFC 9112 §2.2: line ends
      ("GET / HTTP/1.1\nHost: a\n\n", 400), ("GET / HTTP/1.1\r\nHost: a\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
      // RFC 9112 §5: fields
      (get + "X : v\r\n\r\n", 400), (get + " X: v\r\n\r\n", 400), (get + "X: v\r\n w\r\n\r\n", 400), (get + "X\r\n\r\n", 400),
      (get + ": v\r\n\r\n", 400), (get + "X: a\0b\r\n\r\n", 400), (get + "X\u{e9}: v\r\n\r\n", 400), (get + "X: \u{7f}\r\n\r\n", 400),
      // RFC 9112 §3.2: Host
      ("GET / HTTP/1.1\r\n\r\n", 400), (get + "Host: a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
      // RFC 9112 §6: the length of the body
      (post + "Content-Length: +1\r\n\r\n", 400), (post + "Content-Length: -1\r\n\r\n", 400), (post + "Content-Length: 0x1\r\n\r\n", 400),
      (post + "Content-Length: \r\n\r\n", 400), (post + "Content-Length: 1 1\r\n\r\n", 400), (post + "Content-Length: 1,\r\n\r\n", 400),
      (post + "Content-Length: 9223372036854775808\r\n\r\n", 400), (post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
      (post + "Content-Length: 1, 2\r\n\r\n", 400), (post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
      (post + "Transfer-Encoding: gzip\r\n\r\n", 501), (post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
      (post + "Transfer-Encoding: identity\r\n\r\n", 501), (post + "Transfer-Encoding: chunked, gzip\r\n\r\n", 400),
      (post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400), (post + "Transfer-Encoding: \r\n\r\n", 400),
      (post + "Transfer-Encoding: xchunked\r\n\r\n", 501), ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
      // RFC 9110 §10.1.1
      (post + "Expect: tea\r\nContent-Length: 1\r\n\r\n", 417),
    ])
  func aBrokenHeadIsRefused(_ text: String, _ status: Int) { #expect(transcript(text) == ["error \(status)"]) }

  @Test(
    "a broken chunk is refused",
    arguments: [
      "\r\nabc", "x\r\n", "-1\r\n", "0x1\r\na", "1 \r\na", "1 x\r\na", "1;\0\r\na", "1\na", "1\r\nab\r\n", "1\r\na\rb", "1\r\na\n",
      "ffffffffffffffff\r\n", "10000000000000000\r\n", "0\r\nX : v\r\n\r\n", "0\r\n x\r\n\r\n", "0\r\n\n",
    ])
  func aBrokenChunkIsRefused(_ text: String) {
    let lines = transcript(post + "Transfer-Encoding: chunked\r\n\r\n" + text)
    #expect(lines.last == "error 400")
    let bytewise = transcript((post + "Transfer-Encoding: chunked\r\n\r\n" + text).utf8.map { [$0] })
    #expect(bytewise.last == "error 400")
  }

  @Test("what is too long is refused before its end") func whatIsTooLongIsRefusedBeforeItsEnd() {
    var limits = ServerConfiguration.Limits()
    limits.maxRequestLine = 100
    limits.maxHeaderBytes = 200
    limits.maxHeaderCount = 5
    let long = String(repeating: "x", count: 300)
    #expect(transcript("GET /" + long, limits: limits) == ["error 414"])
    #expect(transcript("GET /" + long + " HTTP/1.1\r\n", limits: limits) == ["error 414"])
    #expect(transcript(get + "X: " + long, limits: limits) == ["error 431"])
    #expect(transcript(get + "X: " + long + "\r\n\r\n", limits: limits) == ["error 431"])
    #expect(transcript(get + String(repeating: "X: 1\r\n", count: 5) + "\r\n", limits: limits) == ["error 431"])
    let chunked = post + "Transfer-Encoding: chunked\r\n\r\n"
    #expect(transcript(chunked + "0\r\nX: " + long, limits: limits).last == "error 431")
    #expect(transcript(chunked + "1;" + String(repeating: "x", count: 5000)).last == "error 400")
    let flood = String(repeating: "1;" + String(repeating: "x", count: 4000) + "\r\na\r\n", count: 5)
    #expect(transcript(chunked + flood).last == "error 400")
  }

  @Test(
    "what the grammar allows is taken",
    arguments: [
      "GET / HTTP/1.0\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.9\r\nHost: a\r\n\r\n",
      "GET //a/../b?q=%C3%A9+x&&=1 HTTP/1.1\r\nHost: a.b-c_d:8080\r\n\r\n", "GET / HTTP/1.1\r\nHost: 127.0.0.1:\r\nX:\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nX: \u{fffd}\u{e9}\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    ])
  func whatTheGrammarAllowsIsTaken(_ text: String) {
    #expect(transcript(text).count == 2)
    #expect(transcript(text).last == "body ")
  }

  @Test("a request that breaks off is incomplete") func aRequestThatBreaksOffIsIncomplete() {
    #expect(transcript("GET / HT") == ["incomplete"])
    #expect(transcript(post + "Content-Length: 2\r\n\r\na").last == "incomplete")
    var parser = RequestParser()
    parser.append((post + "Content-Length: 10\r\n\r\nabc").utf8)
    guard case .head? = try? parser.next() else {
      Issue.record("no head")
      return
    }
    #expect(parser.remainingBody == 7)
  }

  @Test("connection tokens decide on keeping") func connectionTokensDecideOnKeeping() throws {
    func keeps(_ text: String) -> Bool { transcript(text).first?.contains("keep=true") ?? false }
    #expect(keeps(get + "\r\n"))
    #expect(!keeps(get + "Connection: x, Close\r\n\r\n"))
    #expect(!keeps("GET / HTTP/1.0\r\n\r\n"))
    #expect(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"))
  }

  @Test("no bytes whatever they are end the process") func noBytesWhateverTheyAreEndTheProcess() {
    var generator = SystemRandomNumberGenerator()
    let seed = Array(Self.several.utf8)
    for _ in 0..<2000 {
      var bytes = seed
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: .min ... .max, using: &generator)
      }
      let whole = transcript([bytes])
      let cut = Int.random(in: 0...bytes.count, using: &generator)
      // The result is the same wherever the bytes are cut.
      #expect(transcript([Array(bytes[..<cut]), Array(bytes[cut...])]) == whole, "\(bytes) cut at \(cut)")
    }
  }
}

struct RequestTargetTests {
  @Test("segments are decoded after they were cut") func segmentsAreDecodedAfterTheyWereCut() throws {
    let target = try RequestTarget(parsing: "/v1/a%2Fb/%C3%A9/?q=1")
    #expect(target.segments == ["v1", "a/b", "é", ""])
    #expect(target.path == "/v1/a%2Fb/%C3%A9/")
    #expect(try RequestTarget(parsing: "/").segments == [])
    #expect(try RequestTarget(parsing: "http://host?x=1").path == "/")
  }

  @Test("a query keeps order and repetition") func aQueryKeepsOrderAndRepetition() throws {
    let query = try RequestTarget(parsing: "/?a=1&b=x+y%26&a=2&label.k=%3D=&c").query
    #expect(query.all("a") == ["1", "2"])
    #expect(query.first("b") == "x y&")
    #expect(query.first("label.k") == "==")
    #expect(query.first("c") == "")
    #expect(query.first("d") == nil)
    #expect(query.names == ["a", "b", "label.k", "c"])
  }
}
