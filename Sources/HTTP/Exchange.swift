import Dispatch

/// One request and its answer on a connection.
final class Exchange: @unchecked Sendable {  // safe: the variables are touched on the connection's queue only
  /// Who answers, for the figures.
  enum Answerer {
    case handler
    /// The connection's own queue, from what it has at hand.
    case immediate
    /// The deadline sweep, because the handler waited too long for a thread.
    case watchdog
  }

  /// nil when the request could not be understood.
  let head: RequestHead?
  let requestID: String
  let started = DispatchTime.now().uptimeNanoseconds

  var body: RequestBody
  /// nil while the request is not complete enough for one, and when it needs none.
  var handler: HandlerTask?
  var answerer = Answerer.handler
  /// All of the request has been parsed.
  var bodyComplete = false
  /// The body's reader has enough for now.
  var bodyPaused = false
  /// The answer has begun; what still comes of the body is dropped.
  var bodyDropped = false
  /// The client holds the body back until it is told to go on.
  var awaitsContinue = false

  /// nil until the answer begins.
  var status: Int?
  var sentBytes = 0
  var keepAlive = false
  var streams = false
  /// All of the answer is in the output.
  var answered = false
  /// Nobody waits for the answer any more.
  var abandoned = false
  /// What goes out on an event stream when nothing else went out for so many nanoseconds.
  var heartbeat: (every: UInt64, bytes: [UInt8])?
  /// Uptime in nanoseconds at which bytes of a stream with a heartbeat last went out.
  var lastSent: UInt64 = 0

  init(head: RequestHead?, requestID: String, body: RequestBody) {
    self.head = head
    self.requestID = requestID
    self.body = body
  }
}
