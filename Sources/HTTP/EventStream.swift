/// One server-sent event (WHATWG HTML §9.2).
package struct ServerSentEvent: Sendable, Equatable {
  package var id: String?
  package var event: String?
  package var data: String
  /// Milliseconds after which a client that lost the connection comes back.
  package var retry: Int?

  package init(id: String? = nil, event: String? = nil, data: String, retry: Int? = nil) {
    self.id = id
    self.event = event
    self.data = data
    self.retry = retry
  }

  /// The lines of the event and the empty one that ends it. Each line of the data becomes a `data:` of its own.
  package var encoded: [UInt8] {
    var text = ""
    // A line break in a one-line field would begin another one; a NUL in an id makes clients ignore it.
    if let id, !id.contains("\0") { text += "id: \(Self.oneLine(id))\n" }
    if let event { text += "event: \(Self.oneLine(event))\n" }
    if let retry { text += "retry: \(retry)\n" }
    for line in Self.lines(data) { text += "data: \(line)\n" }
    return Array((text + "\n").utf8)
  }

  /// A line that clients ignore; it keeps the connection from looking idle.
  package static func comment(_ text: String) -> [UInt8] { Array(": \(oneLine(text))\n\n".utf8) }

  // CR LF is one Character, so that it makes one break.
  private static func lines(_ text: String) -> [Substring] {
    text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r" || $0 == "\r\n" }
  }

  private static func oneLine(_ text: String) -> String { lines(text).joined(separator: " ") }
}

/// Where a handler sends its events.
package struct EventStream: Sendable {
  private let writer: ResponseWriter

  init(_ writer: ResponseWriter) { self.writer = writer }

  /// Suspends while the client is slow. Throws once it has gone.
  package func send(_ event: ServerSentEvent) async throws { try await writer.write(event.encoded) }

  /// Sends one event, or several, that were encoded before: once for all who follow. No part of one, for a comment may go out behind it.
  package func send(encoded events: [UInt8]) async throws { try await writer.write(events) }
}

extension Response {
  /// `text/event-stream`. The head goes out at once, and with it the time after which a client that lost the connection comes back, so
  /// that it knows it is heard before there is an event. A comment goes out after `heartbeat` seconds of silence. The stream ends when
  /// `produce` returns; it is cancelled when the client goes.
  package static func events(
    heartbeat: Double = 15, retry milliseconds: Int = 1000, headers: HTTPFields = [:],
    produce: @escaping @Sendable (EventStream) async throws -> Void
  ) -> Response {
    var response = Response(headers: headers)
    response.headers[.contentType] = "text/event-stream"
    response.headers[.cacheControl] = "no-store"
    let opening = Array("retry: \(milliseconds)\n".utf8) + ServerSentEvent.comment("connected")
    response.body = .events(opening: opening, heartbeat: heartbeat, produce)
    return response
  }
}
