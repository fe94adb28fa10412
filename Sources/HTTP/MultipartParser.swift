/// Parses a `multipart/form-data` body (RFC 7578, RFC 2046 §5.1). It holds back no more bytes than a delimiter is long. Call
/// ``append(_:)`` with bytes, then ``next()`` until it returns nil, and ``finish()`` at the end of the body.
package struct MultipartParser: Sendable {
  /// The beginning of one part.
  package struct Part: Sendable, Equatable {
    /// The name of the form's field.
    package let name: String
    package let filename: String?
    package let headers: HTTPFields
  }

  package enum Event: Sendable, Equatable {
    case part(Part)
    /// Bytes of the part's content, never empty.
    case data([UInt8])
    case endOfPart
  }

  private enum State: Sendable {
    case preamble
    case delimiter
    case headers
    case data
    case partEnd
    case epilogue
  }

  private let delimiter: [UInt8]
  private var state = State.preamble
  private var buffer: [UInt8]
  private var start = 0
  private var headers = HTTPFields()
  private var headerBytes = 0

  /// The most bytes of all header lines of one part.
  package static let maxHeaderBytes = 8 * 1024

  /// - Throws: 400 for an invalid boundary (RFC 2046 §5.1.1).
  package init(boundary: String) throws(HTTPError) {
    let bytes = Array(boundary.utf8)
    let allowed = "'()+_,-./:=? ".utf8
    guard (1...70).contains(bytes.count), bytes.last != ASCII.space,
      bytes.allSatisfy({ ASCII.isLetterOrDigit($0) || allowed.contains($0) })
    else { throw .badRequest("The boundary of the multipart body must be 1 to 70 letters, digits or marks.") }
    delimiter = Array("\r\n--".utf8) + bytes
    // The first delimiter may come at the very beginning, without the line break that every other one has.
    buffer = [ASCII.cr, ASCII.lf]
  }

  /// Takes the boundary from the request's `Content-Type`.
  /// - Throws: 415 when that is not `multipart/form-data`, 400 when it has no boundary.
  package init(contentType: String?) throws(HTTPError) {
    guard let contentType, let field = FieldParameters(contentType), field.value == "multipart/form-data" else {
      throw HTTPError(.unsupportedMediaType, detail: "The body must be multipart/form-data.")
    }
    guard let boundary = field["boundary"] else { throw .badRequest("The Content-Type multipart/form-data has no boundary.") }
    try self.init(boundary: boundary)
  }

  package mutating func append(_ bytes: some Sequence<UInt8>) {
    if start > 0 {
      buffer.removeSubrange(..<start)
      start = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// The next event, or nil when more bytes are needed.
  /// - Throws: 400 when the body is malformed.
  package mutating func next() throws(HTTPError) -> Event? {
    while true {
      switch state {
      case .preamble:
        let (_, found) = takeUpToDelimiter()
        guard found else { return nil }
        state = .delimiter
      case .delimiter:
        guard try takeDelimiterEnd() else { return nil }
      case .headers:
        guard try takeHeaders() else { return nil }
        state = .data
        return .part(try part())
      case .data:
        let (bytes, found) = takeUpToDelimiter()
        if found { state = .partEnd }
        if !bytes.isEmpty { return .data(bytes) }
        guard found else { return nil }
      case .partEnd:
        state = .delimiter
        return .endOfPart
      case .epilogue:
        start = buffer.count
        return nil
      }
    }
  }

  /// - Throws: 400 when the last delimiter is missing.
  package func finish() throws(HTTPError) {
    guard case .epilogue = state else { throw .badRequest("The multipart body breaks off before its last boundary.") }
  }

  /// Takes the bytes that certainly precede the next delimiter, and the delimiter if it is complete. Returns the bytes and whether the
  /// delimiter was taken.
  private mutating func takeUpToDelimiter() -> ([UInt8], Bool) {
    var position = start
    while let candidate = buffer[position...].firstIndex(of: ASCII.cr) {
      let rest = buffer[candidate...].prefix(delimiter.count)
      guard delimiter.starts(with: rest) else {
        position = candidate + 1
        continue
      }
      let bytes = Array(buffer[start..<candidate])
      let found = rest.count == delimiter.count
      start = found ? candidate + delimiter.count : candidate
      return (bytes, found)
    }
    let bytes = Array(buffer[start...])
    start = buffer.count
    return (bytes, false)
  }

  /// `--` ends the body. Otherwise padding and a line break follow, and then the next part.
  private mutating func takeDelimiterEnd() throws(HTTPError) -> Bool {
    let rest = buffer[start...]
    if rest.starts(with: "--".utf8) {
      state = .epilogue
      return true
    }
    let padding = rest.prefix { $0 == ASCII.space || $0 == ASCII.tab }
    let end = rest.dropFirst(padding.count).prefix(2)
    guard padding.count < 128, end.isEmpty || end.first == ASCII.cr || (end.elementsEqual("-".utf8) && padding.isEmpty) else {
      throw .badRequest("A multipart boundary is followed by neither a line break nor two dashes.")
    }
    guard end.count == 2 else { return false }
    guard end.last == ASCII.lf else { throw .badRequest("A multipart boundary must end with CR and LF.") }
    start = end.endIndex
    state = .headers
    headers = HTTPFields()
    headerBytes = 0
    return true
  }

  private mutating func takeHeaders() throws(HTTPError) -> Bool {
    while true {
      guard let end = buffer[start...].firstIndex(of: ASCII.lf) else {
        guard headerBytes + buffer.count - start <= Self.maxHeaderBytes else { throw Self.headersTooLarge }
        return false
      }
      guard end > start, buffer[end - 1] == ASCII.cr else { throw .badRequest("A header line of a part must end with CR and LF.") }
      let line = buffer[start..<(end - 1)]
      headerBytes += end + 1 - start
      guard headerBytes <= Self.maxHeaderBytes else { throw Self.headersTooLarge }
      start = end + 1
      if line.isEmpty { return true }
      headers.append(try RequestParser.field(line))
    }
  }

  private static let headersTooLarge = HTTPError.badRequest("The header of a part is larger than \(maxHeaderBytes) bytes.")

  /// A part needs `Content-Disposition: form-data; name=…` (RFC 7578 §4.2); `filename*` is not allowed there.
  private func part() throws(HTTPError) -> Part {
    guard let field = headers[.contentDisposition].flatMap(FieldParameters.init), field.value == "form-data", let name = field["name"]
    else {
      throw .badRequest("Every part of the form needs Content-Disposition: form-data with a name.")
    }
    return Part(name: name, filename: field["filename"], headers: headers)
  }
}
