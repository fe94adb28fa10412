import Synchronization

/// The body of one request, as it arrives. For one reader. Nothing is read from the socket while enough waits here, and the client's
/// `Expect: 100-continue` is answered by the first read, so that a handler that refuses early spares it the upload.
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
    /// The limit was passed; nothing more is given out.
    var refusal: HTTPError?

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

  /// What `Content-Length` says; nil for a chunked body.
  package let declaredLength: Int?
  private let highWater: Int
  /// Called, on any thread, when the reader wants bytes that the source holds back.
  private let demand: @Sendable () -> Void
  private let state: Mutex<State>

  init(declaredLength: Int?, limit: Int, highWater: Int, demand: @escaping @Sendable () -> Void) {
    self.declaredLength = declaredLength
    self.highWater = highWater
    self.demand = demand
    state = Mutex(State(limit: limit))
  }

  /// A body that is there already.
  package convenience init(_ bytes: [UInt8] = [], limit: Int = .max) {
    self.init(declaredLength: bytes.count, limit: limit, highWater: .max, demand: {})
    if !bytes.isEmpty { offer(bytes) }
    finish()
  }

  /// The body of all requests that have none. It ended before it began, so that nothing of it is ever waited for or changed.
  static let empty = RequestBody()

  /// Sets the most bytes that this body may have, in place of the server's default. Before the first read.
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
        // The task may have been cancelled before there was a waiter to wake.
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
    // Too large by its own word: refused before a byte of it is taken.
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

  /// Adds bytes. False: enough is waiting, hold the rest back until `demand`.
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

  /// Ends the body before its time; what has arrived can still be read.
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
