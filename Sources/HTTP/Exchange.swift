import Dispatch

/// One request and its answer on a connection.
final class Exchange: @unchecked Sendable {  // safe: all variables are used on the connection's queue
  /// Who gives the answer, for the metrics.
  enum Answerer {
    case handler
    /// The connection's own queue, by the immediate handler.
    case immediate
    /// The check of deadlines, because the request waited too long for a handler thread.
    case watchdog
  }

  /// nil when the request could not be understood.
  let head: RequestHead?
  let requestID: String
  let notes = RequestNotes()
  let started = DispatchTime.now().uptimeNanoseconds

  var body: RequestBody
  /// nil before the request is given to a handler, and when it needs none.
  var handler: HandlerTask?
  var answerer = Answerer.handler
  /// The whole request has been parsed.
  var bodyComplete = false
  /// The reader of the body has enough for now.
  var bodyPaused = false
  /// The answer has begun; the rest of the body is dropped.
  var bodyDropped = false
  /// The client waits for 100 Continue before it sends the body.
  var awaitsContinue = false

  /// nil until the answer begins.
  var status: Int?
  var sentBytes = 0
  var keepAlive = false
  var streams = false
  /// The file whose bytes are the rest of the answer.
  var file: FileTransfer?
  /// The whole answer is in the output.
  var answered = false
  /// Nobody waits for the answer any more.
  var abandoned = false
  /// The comment that is sent on an event stream when nothing was sent for `every` nanoseconds.
  var heartbeat: (every: UInt64, bytes: [UInt8])?
  /// The uptime in nanoseconds at which a stream with a heartbeat last sent bytes.
  var lastSent: UInt64 = 0

  init(head: RequestHead?, requestID: String, body: RequestBody) {
    self.head = head
    self.requestID = requestID
    self.body = body
  }
}
