import Foundation
import HTTP
import Robustness
import Synchronization

/// Follows the events of a job until its end, over as many connections as needed.
struct JobEvents: Sendable {
  let client: Client
  let job: String
  /// The seconds without the server after which it counts as out of reach. A restart takes less.
  var patience = 30.0
  /// The seconds without a byte after which a connection counts as lost. The server sends a heartbeat every 15 seconds.
  private static let idle = 45

  /// Calls `take` once for each event, in order, and returns after `end`. A broken connection is reopened after the last event.
  ///
  /// - Throws: `Refusal`, or `LostConnection` once `patience` is over.
  func follow(_ take: @escaping @Sendable (StreamEvent) throws -> Void) async throws {
    let receiver = EventReceiver(take: take)
    while true {
      var lost: LostConnection?
      do {
        try await connect(receiver)
      } catch let error as LostConnection {
        lost = error
      } catch is EventReceiver.End {
        return
      }
      let (refusal, silence, retry) = receiver.disconnected()
      // A server that shuts down answers 503 until its successor listens.
      if let refusal, refusal.status != 503 || silence > patience { throw refusal }
      if let lost, silence > patience || !receiver.wasConnected { throw lost }
      try await Task.sleep(for: .seconds(refusal?.retryAfter ?? retry ?? 1))
    }
  }

  private func connect(_ receiver: EventReceiver) async throws {
    var headers = ["Accept": "text/event-stream", "Cache-Control": "no-store"]
    headers["Last-Event-ID"] = receiver.lastID
    try await client.transfer(
      ClientRequest(path: "/v1/jobs/\(Client.segment(job))/events", headers: headers), idle: Self.idle,
      consumer: WebTransfer.Consumer(head: { receiver.head($0) }, data: { try receiver.data($0) }))
  }
}

/// Collects the events of successive connections.
private final class EventReceiver: Sendable {
  /// Thrown at the event `end`, which ends the connection.
  struct End: Error {}

  private struct State {
    var parser = EventParser()
    /// The answer, if the server refused the stream.
    var refused: (status: Int, headers: WebHeaders)?
    var body = Data()
    var lastContact = ContinuousClock.now
    var wasConnected = false
  }

  private let state = Mutex(State())
  private let take: @Sendable (StreamEvent) throws -> Void

  init(take: @escaping @Sendable (StreamEvent) throws -> Void) { self.take = take }

  var lastID: String? { state.withLock { $0.parser.lastID } }
  var wasConnected: Bool { state.withLock { $0.wasConnected } }

  func head(_ head: WebHead) {
    state.withLock { state in
      if head.status == 200 {
        state.wasConnected = true
        state.lastContact = .now
      } else {
        state.refused = (head.status, head.headers)
      }
    }
  }

  func data(_ data: Data) throws {
    let events: [StreamEvent] = state.withLock { state in
      guard state.refused == nil else {
        state.body.append(data)
        return []
      }
      state.lastContact = .now
      return state.parser.feed(data)
    }
    for event in events {
      try take(event)
      if event.name == "end" { throw End() }
    }
  }

  /// Called after a connection has ended. Returns the refusal if there was one, the seconds since the server was last heard, and the
  /// server's reconnection time. Resets the state for the next connection.
  func disconnected() -> (refusal: Refusal?, silence: Double, retry: Double?) {
    state.withLock { state in
      defer {
        state.parser.reset()
        state.refused = nil
        state.body = Data()
      }
      let refusal = state.refused.map { Refusal(status: $0.status, headers: $0.headers, body: state.body) }
      return (refusal, (ContinuousClock.now - state.lastContact) / .seconds(1), state.parser.retry)
    }
  }
}
