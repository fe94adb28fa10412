import HTTP
import Testing

/// What RFC 9110 and 9112 ask of a server, case by case, over a socket. The target echoes what is posted to `/`.
@Suite("RFC 9110 and 9112") struct ConformanceTests {
  static let all: [ConformanceCase] =
    ConformanceCase.lines + ConformanceCase.requestLines + ConformanceCase.versions + ConformanceCase.targets + ConformanceCase.methods
    + ConformanceCase.fields + ConformanceCase.hosts + ConformanceCase.contents + ConformanceCase.persistence + ConformanceCase.lengths
    + ConformanceCase.codings + ConformanceCase.chunks + ConformanceCase.smuggling + ConformanceCase.conditions + ConformanceCase.ranges

  @Test("the table has two hundred cases, each once, and each names its section") func table() {
    #expect(Self.all.count >= 200)
    #expect(Set(Self.all.map(\.testDescription)).count == Self.all.count)
    #expect(Self.all.allSatisfy { $0.section.wholeMatch(of: /\d{4} §\d+(\.\d+)*/) != nil })
  }

  @Test("every case is answered as its section asks") func cases() async throws {
    let router = try Self.router()
    try await withServer(handler: { try await router($0) }) { port, _, _ in
      for example in Self.all { try Self.check(example, port) }
    }
  }

  @Test("every case is answered the same when its bytes come one by one to the parser") func byteByByte() {
    for example in Self.all {
      #expect(Self.heads(example.request.map { [$0] }) == Self.heads([example.request]), "\(example.testDescription)")
    }
  }

  private static func router() throws -> Router {
    let file = try TemporaryFile(text: "0123456789")
    return Router([
      .init(.get, "/") { _, _ in .text("hello") },
      .init(.post, "/") { request, _ in .bytes(try await request.body.collect(), type: "application/octet-stream") },
      .init(.get, "/host") { request, _ in .text(request.headers[.hostField] ?? "none") },
      .init(.get, "/file") { request, _ in
        try .file(file.open(), type: "text/plain", etag: EntityTag(strong: "t"), for: request)
      },
      .init(.delete, "/dated") { request, _ in
        // 6 November 1994, 08:49:37
        let outcome = Preconditions.evaluate(
          method: request.method, headers: request.headers, current: EntityTag(strong: "t"), modified: 784_111_777)
        return Response(status: outcome == .proceed ? .noContent : .preconditionFailed)
      },
    ])
  }

  private static func check(_ example: ConformanceCase, _ port: Int) throws {
    let client = try RawClient(port: port)
    client.send(example.request)
    if example.ends { client.endOutput() }
    var last: RawClient.Answer?
    for (index, status) in example.statuses.enumerated() {
      let isHead = index == 0 && example.request.starts(with: "HEAD".utf8)
      let answer = try answer(client, toHead: isHead, example)
      #expect(answer?.status == status, "\(example.testDescription)")
      guard let answer, answer.status == status else { return }
      #expect(answer.headers["date"] != nil && answer.headers["x-request-id"] != nil, "\(example.testDescription)")
      if status >= 400, !isHead, answer.headers["content-length"] != "0" { expectProblem(answer, example) }
      last = answer
    }
    if let body = example.body { #expect(last?.text == body, "\(example.testDescription)") }
    for (name, value) in example.fields { #expect(last?.headers[name] == value, "\(example.testDescription): \(name)") }
    if example.closes {
      #expect(last?.headers["connection"] == "close", "\(example.testDescription)")
      #expect(client.receiveAll() == "" && client.ended, "\(example.testDescription): closes")
    } else {
      client.send(ConformanceCase.get + ConformanceCase.end)
      #expect(try self.answer(client, toHead: false, example)?.text == "hello", "\(example.testDescription): goes on")
    }
  }

  /// nil, and a fault of the test, when the connection ends without an answer.
  private static func answer(_ client: RawClient, toHead: Bool, _ example: ConformanceCase) throws -> RawClient.Answer? {
    do { return try client.answer(toHead: toHead) } catch {
      Issue.record("\(example.testDescription): \(error)")
      return nil
    }
  }

  private static func expectProblem(_ answer: RawClient.Answer, _ example: ConformanceCase) {
    #expect(answer.headers["content-type"] == "application/problem+json", "\(example.testDescription)")
    #expect(answer.headers["x-content-type-options"] == "nosniff", "\(example.testDescription)")
    #expect(answer.text.hasSuffix("}\n"), "\(example.testDescription)")
  }

  /// What the parser makes of pieces of bytes: methods, targets and framings, bodies, and the status of the fault that ends it.
  private static func heads(_ pieces: [[UInt8]]) -> [String] {
    var parser = RequestParser()
    var lines: [String] = []
    var body: [UInt8] = []
    for piece in pieces {
      parser.append(piece)
      do {
        while let event = try parser.next() {
          switch event {
          case .head(let head): lines.append("\(head.method.rawValue) \(head.target.raw) \(head.framing) \(head.keepAlive)")
          case .body(let bytes): body += bytes
          case .end:
            lines.append(String(decoding: body, as: UTF8.self))
            body = []
          }
        }
      } catch {
        return lines + ["\(error.status.code)"]
      }
    }
    return lines
  }
}
