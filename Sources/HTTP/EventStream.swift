/// One server-sent event (WHATWG HTML §9.2).
package struct ServerSentEvent: Sendable, Equatable {
  package var id: String?
  package var event: String?
  package var data: String
  /// The milliseconds after which a client that lost the connection reconnects.
  package var retry: Int?

  package init(id: String? = nil, event: String? = nil, data: String, retry: Int? = nil) {
    self.id = id
    self.event = event
    self.data = data
    self.retry = retry
  }

  /// The lines of the event and the empty line that ends it. Each line of the data gets its own `data:`.
  package var encoded: [UInt8] {
    var text = ""
    // A line break in a one-line field would begin another field. A client ignores an id with a NUL.
    if let id, !id.contains("\0") { text += "id: \(Self.oneLine(id))\n" }
    if let event { text += "event: \(Self.oneLine(event))\n" }
    if let retry { text += "retry: \(retry)\n" }
    for line in Self.lines(data) { text += "data: \(line)\n" }
    return Array((text + "\n").utf8)
  }

  /// A line that clients ignore; it keeps the connection from looking idle.
  package static func comment(_ text: String) -> [UInt8] { Array(": \(oneLine(text))\n\n".utf8) }

  // Swift's CR LF is one Character, so it counts as one line break.
  private static func lines(_ text: String) -> [Substring] {
    text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r" || $0 == "\r\n" }
  }

  private static func oneLine(_ text: String) -> String { lines(text).joined(separator: " ") }
}

/// The stream to which a handler sends its events.
package struct EventStream: Sendable {
  private let writer: ResponseWriter

  init(_ writer: ResponseWriter) { self.writer = writer }

  /// Suspends while the client is slow. Throws once it has gone.
  package func send(_ event: ServerSentEvent) async throws { try await writer.write(event.encoded) }

  /// Sends whole events that were encoded before, once for all followers. It must not be part of an event, because a heartbeat comment
  /// may follow it.
  package func send(encoded events: [UInt8]) async throws { try await writer.write(events) }
}

extension Response {
  /// An answer of type `text/event-stream`. The head is sent at once together with the reconnection time, so the client sees that it is
  /// connected before the first event. After `heartbeat` seconds without an event a comment is sent. The stream ends when `produce`
  /// returns; `produce` is cancelled when the client disconnects.
  package static func events(
    heartbeat: Double = 15, retry milliseconds: Int = 1000, headers: HTTPFields = [:],
    produce: @escaping @Sendable (EventStream) async throws -> Void
  ) -> Response {
    var response = Response(headers: headers)
    response.headers[.contentType] = "text/event-stream"
    // A proxy must pass each event on as it comes: nginx holds answers back unless the first field says otherwise, and a proxy that
    // compresses them would hold them back too (RFC 9111 §5.2.2.6).
    response.headers[.accelBuffering] = "no"
    response.headers[.cacheControl] = "no-cache, no-transform"
    let opening = Array("retry: \(milliseconds)\n".utf8) + ServerSentEvent.comment("connected")
    response.body = .events(opening: opening, heartbeat: heartbeat, produce)
    return response
  }
}
