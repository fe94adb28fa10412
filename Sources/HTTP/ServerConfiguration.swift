/// Where a server listens and what it grants a client. Every limit and every timeout is on by default.
package struct ServerConfiguration: Sendable {
  /// What a client may send and hold. Sizes in bytes.
  package struct Limits: Sendable {
    /// The request line without its CRLF; a longer one is answered with 414 (RFC 9112 §3).
    package var maxRequestLine = 8 * 1024
    /// All field lines of one request together, and all trailers of one body; more is answered with 431 (RFC 6585 §5).
    package var maxHeaderBytes = 32 * 1024
    /// Field lines in one request.
    package var maxHeaderCount = 100
    /// The body of a request for a route that sets no other limit; a larger one is answered with 413.
    package var maxBodyBytes = 1024 * 1024
    /// Body bytes that wait in memory for the handler to take them, beyond which the socket is not read.
    package var bodyBuffer = 256 * 1024
    /// Body bytes that are read and dropped after an answer, to keep the connection; with more to come it is closed.
    package var maxDiscardedBody = 256 * 1024
    /// Bytes of further requests that wait while one is being answered.
    package var maxPipelinedBytes = 64 * 1024
    /// Bytes of an answer that wait for a slow client, beyond which whoever writes is suspended.
    package var outputBuffer = 256 * 1024
    /// Connections open at once; further ones are answered with 503. Fewer where the process may not open so many files.
    package var maxConnections = 1024
    /// Descriptors that connections leave to everything else in the process: files, the store, sockets of clients.
    package var descriptorReserve = 256

    package init() {}
  }

  /// Seconds.
  package struct Timeouts: Sendable {
    /// From the first byte of a request to the end of its header; then 408.
    package var header = 10.0
    /// Between two arrivals of bytes of a body; then 408.
    package var body = 30.0
    /// Between two requests on a connection; then it is closed.
    package var idle = 75.0
    /// Without the client taking a single byte of an answer; then the connection is closed.
    package var write = 60.0
    /// How long what the client still sends is read after the last answer, so that the answer is not lost to a reset (RFC 9112 §9.6).
    package var linger = 2.0
    /// From the end of the client's stream to the cancellation of its running handler. A client that only closed its sending
    /// side gets this long for its answer.
    package var halfClosed = 0.5
    /// From a request to the moment in which a thread begins with its handler; then 503. A handler that has begun is not cut.
    package var handlerWait = 10.0

    package init() {}
  }

  package var host: String
  /// 0 lets the system choose.
  package var port: Int
  package var limits = Limits()
  package var timeouts = Timeouts()
  /// Threads on which handlers run, and block on files and the store.
  package var handlerThreads = 8
  /// Serial queues that share all sockets. Two were the fastest; one per connection makes a thread per connection.
  package var socketQueues = 2
  /// The `Server` field of every answer; nil leaves it out.
  package var serverName: String?

  package init(host: String = "127.0.0.1", port: Int = 0) {
    self.host = host
    self.port = port
  }
}
