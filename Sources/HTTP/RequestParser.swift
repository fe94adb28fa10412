import Foundation

/// Parses requests, one after the other (RFC 9112). It is a value without a socket: call ``append(_:)`` with bytes, then ``next()`` until
/// it returns nil. After an error no further request can be parsed.
package struct RequestParser: Sendable {
  package enum Event: Sendable {
    case head(RequestHead)
    /// Bytes of the body, never empty.
    case body([UInt8])
    /// The request is complete, trailers and all.
    case end
  }

  private enum State: Sendable {
    case requestLine
    case fields(method: HTTPRequest.Method, target: RequestTarget, minorVersion: Int)
    case fixed(remaining: Int)
    case chunkSize
    case chunkData(remaining: Int)
    case chunkEnd
    case trailers
    case complete
  }

  private let limits: ServerConfiguration.Limits
  private var state = State.requestLine
  private var buffer: [UInt8] = []
  private var start = 0
  /// The buffer has no line feed before this index.
  private var searched = 0
  private var headers = HTTPFields()
  private var fieldBytes = 0
  private var fieldCount = 0
  private var blankLines = 0
  private var extensionBytes = 0

  /// The most bytes of chunk extensions in one body. More than this can only be an attack.
  private static let maxExtensionBytes = 16 * 1024
  /// The most bytes of one chunk-size line with its extensions.
  private static let maxChunkLine = 4 * 1024

  package init(limits: ServerConfiguration.Limits = .init()) { self.limits = limits }

  /// The bytes that were appended and not yet parsed.
  package var buffered: Int { buffer.count - start }

  /// No request has begun.
  package var isBetweenRequests: Bool {
    if case .requestLine = state { return buffered == 0 }
    return false
  }

  /// The body bytes still to come; nil when the length is not declared.
  package var remainingBody: Int? {
    switch state {
    case .fixed(let remaining): max(0, remaining - buffered)
    case .requestLine, .fields, .complete: 0
    case .chunkSize, .chunkData, .chunkEnd, .trailers: nil
    }
  }

  package mutating func append(_ bytes: some Sequence<UInt8>) {
    if start > 0, start == buffer.count || start > 64 * 1024 {
      buffer.removeSubrange(..<start)
      searched = max(0, searched - start)
      start = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// The next event, or nil when more bytes are needed.
  package mutating func next() throws(HTTPError) -> Event? {
    while true {
      switch state {
      case .requestLine:
        guard try takeRequestLine() else { return nil }
      case .fields(let method, let target, let minorVersion):
        guard try takeFields() else { return nil }
        return .head(try finishHead(method, target, minorVersion))
      case .fixed(let remaining):
        guard buffered > 0 else { return nil }
        let bytes = takeBytes(upTo: remaining)
        state = bytes.count == remaining ? .complete : .fixed(remaining: remaining - bytes.count)
        return .body(bytes)
      case .chunkSize:
        guard try takeChunkSize() else { return nil }
      case .chunkData(let remaining):
        guard buffered > 0 else { return nil }
        let bytes = takeBytes(upTo: remaining)
        state = bytes.count == remaining ? .chunkEnd : .chunkData(remaining: remaining - bytes.count)
        return .body(bytes)
      case .chunkEnd:
        guard try takeChunkEnd() else { return nil }
      case .trailers:
        guard try takeFields() else { return nil }
        state = .complete
      case .complete:
        state = .requestLine
        return .end
      }
    }
  }

  // MARK: Lines

  /// Takes one line without its CRLF; nil while the line is incomplete. A lone LF does not end a line (RFC 9112 §2.2 allows this).
  private mutating func takeLine(limit: Int, tooLong: () -> HTTPError) throws(HTTPError) -> ArraySlice<UInt8>? {
    let from = max(start, searched)
    guard let end = buffer[from...].firstIndex(of: ASCII.lf) else {
      searched = buffer.count
      // A CR at the end may be the beginning of the line's CRLF.
      let length = buffered - (buffer.last == ASCII.cr && buffered > 0 ? 1 : 0)
      guard length <= limit else { throw tooLong() }
      return nil
    }
    guard end > start, buffer[end - 1] == ASCII.cr else { throw .badRequest("A line must end with CR and LF.") }
    let line = buffer[start..<(end - 1)]
    guard line.count <= limit else { throw tooLong() }
    start = end + 1
    searched = start
    return line
  }

  private mutating func takeBytes(upTo count: Int) -> [UInt8] {
    let end = min(buffer.count, start + min(count, buffered))
    let bytes = Array(buffer[start..<end])
    start = end
    searched = max(searched, start)
    return bytes
  }

  // MARK: Head

  /// `method SP request-target SP HTTP-version` (RFC 9112 §3).
  private mutating func takeRequestLine() throws(HTTPError) -> Bool {
    let limit = limits.maxRequestLine
    let tooLong = { HTTPError(.uriTooLong, detail: "The request line is longer than \(limit) bytes.") }
    try checkBeginning()
    guard let line = try takeLine(limit: limit, tooLong: tooLong) else { return false }
    if line.isEmpty {
      // A few empty lines before a request are ignored (RFC 9112 §2.2), but not many.
      blankLines += 1
      guard blankLines <= 2 else { throw .badRequest("Empty lines are no request.") }
      return true
    }
    guard let first = line.firstIndex(of: ASCII.space), let last = line.lastIndex(of: ASCII.space), last > first + 1,
      !line[(first + 1)..<last].contains(ASCII.space)
    else { throw .badRequest("A request line is a method, a target and a version, with one space between them.") }
    let minorVersion = try Self.minorVersion(line[(last + 1)...])
    guard let method = Self.method(line[..<first]) else { throw .badRequest("The method is not a token.") }
    let target = try RequestTarget(parsing: String(decoding: line[(first + 1)..<last], as: UTF8.self), method: method)
    headers = HTTPFields()
    fieldBytes = 0
    fieldCount = 0
    blankLines = 0
    state = .fields(method: method, target: target, minorVersion: minorVersion)
    return true
  }

  /// Refuses bytes that no request can begin with, without waiting for the end of their line.
  private func checkBeginning() throws(HTTPError) {
    var bytes = buffer[start...]
    // An empty line, or its first half (RFC 9112 §2.2).
    while let first = bytes.first, first == ASCII.cr || first == ASCII.lf { bytes.removeFirst() }
    // A TLS record of a handshake (RFC 8446 §5.1).
    if bytes.first == 0x16 { throw .badRequest("This port speaks plain HTTP, and the client began with TLS: use http://, not https://.") }
    let method = bytes.prefix(Self.longestMethod + 1).prefix { $0 != ASCII.space }
    guard method.allSatisfy(ASCII.isToken), bytes.isEmpty || !method.isEmpty else {
      throw .badRequest("A request begins with a method, which is a token; these bytes begin no request.")
    }
    // A method that is longer than any that the server knows (RFC 9112 §3).
    guard method.count <= Self.longestMethod else {
      throw HTTPError(.notImplemented, detail: "No method that this server knows is longer than \(Self.longestMethod) bytes.")
    }
  }

  /// Bytes. The longest registered method, UPDATEREDIRECTREF, has 17.
  private static let longestMethod = 32

  private static func method(_ token: ArraySlice<UInt8>) -> HTTPRequest.Method? {
    if token.elementsEqual("GET".utf8) { return .get }
    guard !token.isEmpty, token.allSatisfy(ASCII.isToken) else { return nil }
    return HTTPRequest.Method(String(decoding: token, as: UTF8.self))
  }

  /// Accepts `HTTP/1.0` and `HTTP/1.1`. A higher minor version is treated as 1.1 (RFC 9110 §2.5); another major version gets 505.
  private static func minorVersion(_ text: ArraySlice<UInt8>) throws(HTTPError) -> Int {
    let first = text.startIndex
    guard text.count == 8, text.starts(with: "HTTP/".utf8), ASCII.isDigit(text[first + 5]), text[first + 6] == UInt8(ascii: "."),
      ASCII.isDigit(text[first + 7])
    else { throw .badRequest("The request line must end with HTTP/1.1 or HTTP/1.0.") }
    guard text[first + 5] == UInt8(ascii: "1") else {
      throw HTTPError(.init(code: 505, reasonPhrase: "HTTP Version Not Supported"), detail: "This server speaks HTTP/1.1 and HTTP/1.0.")
    }
    return text[first + 7] == UInt8(ascii: "0") ? 0 : 1
  }

  private mutating func finishHead(_ method: HTTPRequest.Method, _ target: RequestTarget, _ minorVersion: Int) throws(HTTPError)
    -> RequestHead
  {
    let head = try RequestHead(method: method, target: target, minorVersion: minorVersion, headers: headers)
    headers = HTTPFields()
    fieldBytes = 0
    fieldCount = 0
    extensionBytes = 0
    switch head.framing {
    case .none, .length(0): state = .complete
    case .length(let length): state = .fixed(remaining: length)
    case .chunked: state = .chunkSize
    }
    return head
  }

  /// Takes field lines up to the empty line (RFC 9112 §5); returns true when the empty line was reached.
  private mutating func takeFields() throws(HTTPError) -> Bool {
    let limit = limits.maxHeaderBytes
    let tooLarge = {
      HTTPError(.requestHeaderFieldsTooLarge, detail: "The header fields are larger than \(limit) bytes together.")
    }
    while let line = try takeLine(limit: limit - fieldBytes, tooLong: tooLarge) {
      if line.isEmpty { return true }
      fieldBytes += line.count
      fieldCount += 1
      guard fieldCount <= limits.maxHeaderCount else {
        throw HTTPError(.requestHeaderFieldsTooLarge, detail: "There are more than \(limits.maxHeaderCount) header fields.")
      }
      headers.append(try Self.field(line))
    }
    return false
  }

  static func field(_ line: ArraySlice<UInt8>) throws(HTTPError) -> HTTPField {
    // A line that begins with a blank would continue the value before it. That is obsolete and refused (RFC 9112 §5.2).
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw .badRequest("A header line has no colon.") }
    let name = line[..<colon]
    guard !name.isEmpty, name.allSatisfy(ASCII.isToken), let fieldName = HTTPField.Name(String(decoding: name, as: UTF8.self)) else {
      throw .badRequest("A field name must be a token, with no space before or behind it and no folded lines.")
    }
    var value = line[(colon + 1)...]
    guard value.allSatisfy(ASCII.isFieldContent) else { throw .badRequest("The value of \(fieldName) holds a control character.") }
    while let first = value.first, first == ASCII.space || first == ASCII.tab { value.removeFirst() }
    while let last = value.last, last == ASCII.space || last == ASCII.tab { value.removeLast() }
    return HTTPField(name: fieldName, value: value)
  }

  // MARK: Chunks

  /// `chunk-size [ chunk-ext ] CRLF` (RFC 9112 §7.1).
  private mutating func takeChunkSize() throws(HTTPError) -> Bool {
    let tooLong = { HTTPError.badRequest("A chunk size line is longer than \(Self.maxChunkLine) bytes.") }
    guard let line = try takeLine(limit: Self.maxChunkLine, tooLong: tooLong) else { return false }
    let digits = line.prefix { ASCII.hexValue($0) != nil }
    // Fifteen hex digits always fit into an Int.
    guard !digits.isEmpty, digits.count <= 15 else { throw .badRequest("A chunk size must be a hexadecimal number.") }
    try takeExtension(line[digits.endIndex...])
    let size = digits.reduce(0) { $0 << 4 | (ASCII.hexValue($1) ?? 0) }
    state = size == 0 ? .trailers : .chunkData(remaining: size)
    return true
  }

  /// Chunk extensions are ignored, but they must be well-formed and short.
  private mutating func takeExtension(_ bytes: ArraySlice<UInt8>) throws(HTTPError) {
    guard !bytes.isEmpty else { return }
    extensionBytes += bytes.count
    guard extensionBytes <= Self.maxExtensionBytes else { throw .badRequest("The chunk extensions are too long.") }
    guard ChunkExtensions.areValid(bytes) else {
      throw .badRequest("A chunk size must be a hexadecimal number, and an extension behind it a semicolon, a name and perhaps a value.")
    }
  }

  private mutating func takeChunkEnd() throws(HTTPError) -> Bool {
    if buffered >= 1, buffer[start] != ASCII.cr { throw .badRequest("A chunk is longer than its size says.") }
    guard buffered >= 2 else { return false }
    guard buffer[start + 1] == ASCII.lf else { throw .badRequest("A chunk must end with CR and LF.") }
    start += 2
    searched = start
    state = .chunkSize
    return true
  }
}
