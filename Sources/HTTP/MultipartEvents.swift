/// The parts of a form as they arrive.
package struct MultipartEvents: AsyncSequence, Sendable {
  package typealias Element = MultipartParser.Event

  private let body: RequestBody
  private let parser: MultipartParser

  package init(_ body: RequestBody, parser: MultipartParser) {
    self.body = body
    self.parser = parser
  }

  package struct Iterator: AsyncIteratorProtocol {
    fileprivate let body: RequestBody
    fileprivate var parser: MultipartParser

    /// - Throws: as reading the body does, and 400 for a malformed or truncated form.
    package mutating func next() async throws -> MultipartParser.Event? {
      while true {
        if let event = try parser.next() { return event }
        guard let bytes = try await body.next() else {
          try parser.finish()
          return nil
        }
        parser.append(bytes)
      }
    }
  }

  package func makeAsyncIterator() -> Iterator { Iterator(body: body, parser: parser) }
}

extension Request {
  /// The body as a form.
  /// - Throws: 415 when it is not `multipart/form-data`, 400 without a boundary.
  package func multipart() throws(HTTPError) -> MultipartEvents {
    MultipartEvents(body, parser: try MultipartParser(contentType: headers[.contentType]))
  }
}
