import Dispatch

/// One request and its answer on a connection.
final class Exchange: @unchecked Sendable {  // safe: the variables are touched on the connection's queue only
  /// nil when the request could not be understood.
  let head: RequestHead?
  let requestID: String
  let body: RequestBody
  let started = DispatchTime.now().uptimeNanoseconds

  var task: Task<Void, Never>?
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

  init(head: RequestHead?, requestID: String, body: RequestBody) {
    self.head = head
    self.requestID = requestID
    self.body = body
  }
}
