/// Where a stream's closure writes. Each write goes out at once.
package struct ResponseWriter: Sendable {
  private let send: @Sendable ([UInt8]) async throws -> Void

  /// A writer onto anything; `send` suspends while its receiver is slow, and throws once that has gone.
  package init(send: @escaping @Sendable ([UInt8]) async throws -> Void) { self.send = send }

  /// Suspends while the client is slow.
  /// - Throws: ``ClientGone`` once nobody reads any more.
  package func write(_ bytes: [UInt8]) async throws {
    // An empty chunk would end the body.
    guard !bytes.isEmpty else { return }
    try await send(bytes)
  }

  package func write(_ text: String) async throws { try await write(Array(text.utf8)) }
}

/// The client closed the connection, or was cut off for taking nothing.
package struct ClientGone: Error, CustomStringConvertible {
  package init() {}
  package var description: String { "The client has gone." }
}
