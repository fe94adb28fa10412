/// The settings of a server: its address, limits and timeouts. Every limit and timeout is on by default.
package struct ServerConfiguration: Sendable {
  /// Limits on what a client may send and keep open. Sizes are in bytes.
  package struct Limits: Sendable {
    /// The length of the request line without its CRLF. A longer one is answered with 414 (RFC 9112 §3).
    package var maxRequestLine = 8 * 1024
    /// All field lines of one request together, and all trailers of one body; more is answered with 431 (RFC 6585 §5).
    package var maxHeaderBytes = 32 * 1024
    /// The number of field lines in one request.
    package var maxHeaderCount = 100
    /// The size of a request body, unless the route sets another limit. A larger one is answered with 413.
    package var maxBodyBytes = 1024 * 1024
    /// Body bytes that may wait in memory for the handler. When there are more, the socket is not read.
    package var bodyBuffer = 256 * 1024
    /// Body bytes that are read and dropped after an answer to keep the connection. If more are to come, the connection is closed.
    package var maxDiscardedBody = 256 * 1024
    /// Bytes of further requests that wait while one is being answered.
    package var maxPipelinedBytes = 64 * 1024
    /// Bytes of an answer that may wait for a slow client. When there are more, the writer is suspended.
    package var outputBuffer = 64 * 1024
    /// Connections open at once; further ones are answered with 503. The limit is lower if the process may not open so many files.
    package var maxConnections = 1024
    /// Connections open at once from one address; further ones are answered with 503. This machine's own addresses and the configured
    /// proxies have no such limit, since many clients stand behind them.
    package var maxConnectionsPerAddress = 256
    /// Descriptors that are reserved for everything else in the process, such as files and the store.
    package var descriptorReserve = 256

    package init() {}
  }

  /// Seconds.
  package struct Timeouts: Sendable {
    /// From the first byte of a request to the end of its header; then 408.
    package var header = 10.0
    /// Without any bytes of a body arriving; then 408.
    package var body = 30.0
    /// Between two requests on a connection; then it is closed.
    package var idle = 75.0
    /// Between two requests until the connection gives up its place to a new one, when all places are taken. The first request of a
    /// connection that was just opened may be on its way.
    package var replaceable = 5.0
    /// Without the client reading a single byte of an answer; then the connection is closed.
    package var write = 60.0
    /// How long input is read and dropped after the last answer, so that the answer is not lost to a reset (RFC 9112 §9.6).
    package var linger = 2.0
    /// From the client closing its sending side to the cancellation of its running handler. A client that closes only its sending side
    /// must get its answer within this time.
    package var halfClosed = 0.5
    /// How long a request may wait for a handler thread; then 503. A handler that has begun is not interrupted.
    package var handlerWait = 10.0

    package init() {}
  }

  package var host: String
  /// 0 lets the system choose.
  package var port: Int
  /// nil: the port speaks plain HTTP.
  package var tls: TLSFiles?
  package var limits = Limits()
  package var timeouts = Timeouts()
  /// The number of threads for handlers, which may block on files and the store.
  package var handlerThreads = 8
  /// The number of serial queues that the sockets are spread over. Two were fastest in measurements; a queue per connection would make a
  /// thread per connection.
  package var socketQueues = 2
  /// The queues that read files for answers.
  package static let fileQueues = 2
  /// Addresses whose `X-Forwarded-For` is believed, because a proxy of ours connects from them.
  package var proxies: [NetworkRange] = []
  /// The `Server` field of every answer; nil for none.
  package var serverName: String?

  package init(host: String = "127.0.0.1", port: Int = 0) {
    self.host = host
    self.port = port
  }
}
