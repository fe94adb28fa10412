import Synchronization

/// The body of one request, as it arrives, for one reader. While enough bytes wait here, the socket is not read. `Expect: 100-continue`
/// is answered at the first read, so a handler that refuses early spares the client the upload.
package final class RequestBody: AsyncSequence, Sendable {
  package typealias Element = [UInt8]

  private struct State {
    var chunks: [[UInt8]] = []
    var buffered = 0
    var finished = false
    var failure: (any Error)?
    var waiter: CheckedContinuation<[UInt8]?, any Error>?
    var limit: Int
    var delivered = 0
    var started = false
    var paused = false
    /// Set when the body is over the limit; the reader gets nothing more.
    var refusal: HTTPError?
    /// Bytes that the reader got of a body that is expanded.
    var expanded = 0

    mutating func count(_ chunk: [UInt8]) {
      delivered += chunk.count
      if delivered > limit { refusal = .contentTooLarge(limit: limit) }
    }
  }

  private enum Step {
    case give([UInt8]?)
    case fail(any Error)
    case wait
  }

  /// The value of `Content-Length`; nil for a chunked body.
  package let declaredLength: Int?
  private let highWater: Int
  /// Called on any thread when the reader wants bytes and the source has paused.
  private let demand: @Sendable () -> Void
  private let state: Mutex<State>
  /// For a body that comes compressed; used by the reader alone, which the lock makes plain to the compiler.
  private let expansion: Mutex<GzipExpansion?>
  private let isCompressed: Bool

  /// - Parameter expansion: what the reader gets is expanded by it, and the limit is of that.
  init(
    declaredLength: Int?, limit: Int, highWater: Int, expansion: sending GzipExpansion? = nil, demand: @escaping @Sendable () -> Void
  ) {
    self.declaredLength = declaredLength
    isCompressed = expansion != nil
    self.expansion = Mutex(expansion)
    self.highWater = highWater
    self.demand = demand
    state = Mutex(State(limit: limit))
  }

  /// A body that is complete already.
  package convenience init(_ bytes: [UInt8] = [], limit: Int = .max) {
    self.init(declaredLength: bytes.count, limit: limit, highWater: .max, demand: {})
    if !bytes.isEmpty { offer(bytes) }
    finish()
  }

  /// The body of every request that has none. It is complete from the start, so sharing it is safe.
  static let empty = RequestBody()

  /// Sets the most bytes that this body may have, instead of the server's default. Call it before the first read.
  package func limit(to bytes: Int) { state.withLock { $0.limit = bytes } }

  /// The whole body.
  /// - Throws: 413 when it has more than `upTo` bytes or than the limit, 400 when it breaks off, 408 when it stalls.
  package func collect(upTo bytes: Int = .max) async throws -> [UInt8] {
    state.withLock { $0.limit = Swift.min($0.limit, bytes) }
    var whole: [UInt8] = []
    while let chunk = try await next() {
      if whole.isEmpty { whole = chunk } else { whole += chunk }
    }
    return whole
  }

  package struct Iterator: AsyncIteratorProtocol {
    fileprivate let body: RequestBody
    package mutating func next() async throws -> [UInt8]? { try await body.next() }
  }

  package func makeAsyncIterator() -> Iterator { Iterator(body: self) }

  /// The next bytes, nil at the end.
  package func next() async throws -> [UInt8]? {
    guard isCompressed else { return try await nextAsSent() }
    while true {
      if let piece = try expansion.withLock({ try $0?.next() }) { return try counted(piece) }
      guard let sent = try await nextAsSent() else {
        try expansion.withLock { try $0?.end() }
        return nil
      }
      expansion.withLock { $0?.feed(sent) }
    }
  }

  /// - Throws: 413 when what was expanded is over the limit.
  private func counted(_ piece: [UInt8]) throws -> [UInt8] {
    try state.withLock { state in
      state.expanded += piece.count
      guard state.expanded <= state.limit else { throw HTTPError.contentTooLarge(limit: state.limit) }
    }
    return piece
  }

  private func nextAsSent() async throws -> [UInt8]? {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { take($0) }
    } onCancel: {
      let waiter = state.withLock { state in
        defer { state.waiter = nil }
        return state.waiter
      }
      waiter?.resume(throwing: CancellationError())
    }
  }

  private func take(_ continuation: CheckedContinuation<[UInt8]?, any Error>) {
    let (step, wanting) = state.withLock { state in
      let step = Self.step(&state, declaredLength: declaredLength)
      if case .fail = step { return (step, false) }
      let wanting = !state.started || (state.paused && state.buffered <= highWater / 2)
      state.started = true
      if wanting { state.paused = false }
      if case .wait = step {
        // The task may have been cancelled before the waiter was registered.
        guard !Task.isCancelled else { return (.fail(CancellationError()), false) }
        state.waiter = continuation
      }
      return (step, wanting)
    }
    switch step {
    case .give(let chunk): continuation.resume(returning: chunk)
    case .fail(let error): continuation.resume(throwing: error)
    case .wait: break
    }
    if wanting { demand() }
  }

  private static func step(_ state: inout State, declaredLength: Int?) -> Step {
    // The declared length is over the limit: refuse before reading a byte.
    if let declaredLength, declaredLength > state.limit { state.refusal = .contentTooLarge(limit: state.limit) }
    if let refusal = state.refusal { return .fail(refusal) }
    if !state.chunks.isEmpty {
      let chunk = state.chunks.removeFirst()
      state.buffered -= chunk.count
      state.count(chunk)
      if let refusal = state.refusal { return .fail(refusal) }
      return .give(chunk)
    }
    if let failure = state.failure { return .fail(failure) }
    return state.finished ? .give(nil) : .wait
  }

  // MARK: The source's side

  /// Adds bytes. Returns false when enough are waiting; the source then pauses until `demand` is called.
  @discardableResult
  func offer(_ chunk: [UInt8]) -> Bool {
    let (waiter, error, more) = state.withLock { state -> (CheckedContinuation<[UInt8]?, any Error>?, HTTPError?, Bool) in
      guard let waiter = state.waiter else {
        state.chunks.append(chunk)
        state.buffered += chunk.count
        state.paused = state.buffered >= highWater
        return (nil, nil, !state.paused)
      }
      state.waiter = nil
      state.count(chunk)
      return (waiter, state.refusal, true)
    }
    if let error { waiter?.resume(throwing: error) } else { waiter?.resume(returning: chunk) }
    return more
  }

  func finish() { end(with: nil) }

  /// Ends the body early. The bytes that have arrived can still be read.
  func fail(_ error: any Error) { end(with: error) }

  private func end(with error: (any Error)?) {
    let waiter = state.withLock { state in
      defer { state.waiter = nil }
      guard !state.finished else { return state.waiter }
      state.finished = true
      state.failure = error
      return state.waiter
    }
    if let error { waiter?.resume(throwing: error) } else { waiter?.resume(returning: nil) }
  }
}
