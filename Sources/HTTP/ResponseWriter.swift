/// The writer that a stream's closure gets. Each write is sent at once.
package struct ResponseWriter: Sendable {
  private let send: @Sendable ([UInt8]) async throws -> Void

  /// A writer to any receiver. `send` suspends while the receiver is slow, and throws once it is gone.
  package init(send: @escaping @Sendable ([UInt8]) async throws -> Void) { self.send = send }

  /// Suspends while the client is slow.
  /// - Throws: ``ClientGone`` once the client has disconnected.
  package func write(_ bytes: [UInt8]) async throws {
    // An empty chunk would end the body.
    guard !bytes.isEmpty else { return }
    try await send(bytes)
  }

  package func write(_ text: String) async throws { try await write(Array(text.utf8)) }
}

/// The client closed the connection, or was disconnected because it read nothing.
package struct ClientGone: Error, CustomStringConvertible {
  package init() {}
  package var description: String { "The client has gone." }
}
