import Dispatch
import Glibc
import Logging
import Synchronization

/// One client: its socket, the requests that come in one after the other, and their answers in the same order.
final class Connection: @unchecked Sendable {  // safe: everything mutable is touched on `loop.queue` only
  enum Phase {
    /// Between requests, or within a head.
    case receiving
    /// A request is with its handler, or its answer on the way.
    case exchange
    /// Answered; the rest of the request's body is read away.
    case discarding
    /// The last answer is out; what still comes is dropped until the client has closed (RFC 9112 §9.6).
    case lingering
    case closed
  }

  let loop: EventLoop
  let context: ServerContext
  let remoteAddress: SocketAddress
  var phase = Phase.receiving
  var exchange: Exchange?
  var parser: RequestParser
  /// The peer has ended its side.
  var inputEnded = false
  /// What came is no HTTP, or broke off: nothing more can be taken from this connection.
  var inputBroken = false
  var output = Output()

  private let transport: any Transport
  private let readSource: any DispatchSourceRead
  private var writeSource: (any DispatchSourceWrite)?
  private var reading = false
  private var writing = false
  private var writers: [CheckedContinuation<Void, any Error>] = []
  private var deadline: UInt64?
  private var writeDeadline: UInt64?
  private var abandonAt: UInt64?
  private var headStarted = false
  private var discarded = 0

  init(transport: any Transport, remoteAddress: SocketAddress, loop: EventLoop, context: ServerContext) {
    self.transport = transport
    self.remoteAddress = remoteAddress
    self.loop = loop
    self.context = context
    parser = RequestParser(limits: context.configuration.limits)
    readSource = DispatchSource.makeReadSource(fileDescriptor: transport.descriptor, queue: loop.queue)
  }

  // MARK: Life

  /// Begins to serve, or with `refusal` gives that answer and closes.
  func start(refusal: HTTPError? = nil) {
    loop.add(self)
    readSource.setEventHandler { [unowned self] in readable() }
    // Accepted in the moment in which the drain began.
    if context.isDraining { return close() }
    setDeadline(context.configuration.timeouts.idle)
    if let refusal { reject(refusal) } else { updateReading() }
  }

  /// The server is closing: what is in flight is finished, all else ends.
  func drain() {
    switch phase {
    case .receiving: if parser.isBetweenRequests { close() }
    case .exchange: if let exchange, exchange.streams { exchange.task?.cancel() }
    case .discarding, .lingering: close()
    case .closed: break
    }
  }

  /// Ends at once, whatever is in flight.
  func abort() {
    guard phase != .closed else { return }
    if let exchange {
      exchange.abandoned = true
      exchange.task?.cancel()
      exchange.body.fail(ClientGone())
      account(exchange, aborted: true)
      self.exchange = nil
    }
    close()
  }

  private func close() {
    guard phase != .closed else { return }
    phase = .closed
    output.removeAll()
    resumeWriters(throwing: ClientGone())
    closeSources()
    loop.remove(self)
  }

  /// The descriptor may only be closed when no source watches it any more. A suspended source never ends, hence the resumes.
  private func closeSources() {
    let ends = DispatchGroup()
    ends.enter()
    readSource.setCancelHandler { ends.leave() }
    readSource.cancel()
    if !reading { readSource.resume() }
    if let writeSource {
      ends.enter()
      writeSource.setCancelHandler { ends.leave() }
      writeSource.cancel()
      if !writing { writeSource.resume() }
    }
    reading = true
    writing = true
    ends.notify(queue: loop.queue) { [self] in
      transport.close()
      context.connections.subtract(1, ordering: .relaxed)
      context.metrics.closed()
    }
  }

  // MARK: Reading

  private func readable() {
    guard phase != .closed, reading else { return }
    switch transport.read(into: loop.scratch) {
    case .bytes(let count):
      context.metrics.received(bytes: count)
      receive(UnsafeRawBufferPointer(rebasing: loop.scratch[..<count]))
    case .blocked: break
    case .ended:
      inputEnded = true
      endOfInput()
    case .failed: abort()
    }
    updateReading()
  }

  private func receive(_ bytes: UnsafeRawBufferPointer) {
    guard phase != .lingering, !inputBroken else { return }
    parser.append(bytes)
    advance()
  }

  /// Takes from the parser what the present phase has use for.
  func advance() {
    while phase == .receiving || phase == .discarding || wantsBody {
      do {
        guard let event = try parser.next() else { break }
        handle(event)
      } catch {
        inputIsBroken(error)
        break
      }
    }
    if inputEnded, phase != .closed { endOfInput() }
    if phase == .receiving, !headStarted, !parser.isBetweenRequests {
      headStarted = true
      setDeadline(context.configuration.timeouts.header)
    }
    if wantsBody || phase == .discarding { setDeadline(context.configuration.timeouts.body) }
    updateReading()
  }

  private var wantsBody: Bool {
    guard phase == .exchange, let exchange, !inputBroken else { return false }
    return !exchange.bodyComplete && !exchange.bodyPaused
  }

  private func handle(_ event: RequestParser.Event) {
    switch event {
    case .head(let head): begin(head)
    case .body(let bytes):
      if phase == .discarding {
        discarded += bytes.count
        if discarded > context.configuration.limits.maxDiscardedBody { linger() }
      } else if let exchange, !exchange.bodyDropped {
        exchange.awaitsContinue = false
        exchange.bodyPaused = !exchange.body.offer(bytes)
      }
    case .end:
      if phase == .discarding {
        nextRequest()
      } else if let exchange {
        exchange.bodyComplete = true
        exchange.awaitsContinue = false
        exchange.body.finish()
        deadline = nil
      }
    }
  }

  private func inputIsBroken(_ error: HTTPError) {
    inputBroken = true
    deadline = nil
    switch phase {
    case .receiving: reject(error)
    // Its reader gets the error, and the client the reader's answer.
    case .exchange: exchange?.body.fail(error)
    case .discarding: linger()
    case .lingering, .closed: break
    }
  }

  /// The client sends nothing more. It may still read: one that only closed its sending side gets its answers.
  private func endOfInput() {
    switch phase {
    case .receiving:
      if parser.isBetweenRequests { close() } else { inputIsBroken(.badRequest("The request breaks off within its header.")) }
    case .exchange:
      guard let exchange else { return }
      if !exchange.bodyComplete, !exchange.bodyPaused, !inputBroken {
        inputIsBroken(.badRequest("The body breaks off before its end."))
      } else if abandonAt == nil {
        abandonAt = time(in: context.configuration.timeouts.halfClosed)
      }
    case .discarding, .lingering: close()
    case .closed: break
    }
  }

  /// A read source stays armed while a handler runs, so that the end of the client is seen; it rests while enough is waiting.
  private func updateReading() {
    guard phase != .closed else { return }
    let wanted: Bool
    switch phase {
    case .exchange:
      let room = exchange?.bodyComplete == true && parser.buffered < context.configuration.limits.maxPipelinedBytes
      wanted = wantsBody || room || inputBroken
    default: wanted = true
    }
    guard (wanted && !inputEnded) != reading else { return }
    reading.toggle()
    if reading { readSource.resume() } else { readSource.suspend() }
  }

  /// The body's reader wants bytes: the first time, or again after it had enough.
  func bodyWanted(_ exchange: Exchange) {
    guard self.exchange === exchange, phase == .exchange else { return }
    if exchange.awaitsContinue, exchange.status == nil, !inputEnded {
      exchange.awaitsContinue = false
      enqueue(ResponseHead.goOn)
    }
    exchange.bodyPaused = false
    advance()
  }

  // MARK: Requests

  private func begin(_ head: RequestHead) {
    let limits = context.configuration.limits
    let declared: Int? =
      switch head.framing {
      case .none: 0
      case .length(let length): length
      case .chunked: nil
      }
    let wake = BodyDemand()
    let body = RequestBody(declaredLength: declared, limit: limits.maxBodyBytes, highWater: limits.bodyBuffer) { wake() }
    let exchange = Exchange(head: head, requestID: RequestID.kept(head.headers[.requestID]) ?? RequestID.new(), body: body)
    wake.set { [weak self, weak exchange] in
      guard let self, let exchange else { return }
      loop.queue.async { self.bodyWanted(exchange) }
    }
    exchange.awaitsContinue = head.expectsContinue
    self.exchange = exchange
    phase = .exchange
    headStarted = false
    deadline = nil
    abandonAt = nil
    let request = Request(
      method: head.method, target: head.target, headers: head.headers, remoteAddress: remoteAddress, requestID: exchange.requestID,
      body: body)
    exchange.task = Task(executorPreference: context.pool) { [self] in await serve(request, exchange) }
  }

  /// Answers what cannot be handled, and closes.
  private func reject(_ error: HTTPError) {
    let exchange = Exchange(head: nil, requestID: RequestID.new(), body: RequestBody())
    self.exchange = exchange
    phase = .exchange
    inputBroken = true
    deadline = nil
    exchange.bodyComplete = true
    let response = Response.problem(error, requestID: exchange.requestID)
    guard case .bytes(let bytes) = response.body else { return }
    _ = open(exchange, response, .known(bytes.count), payload: bytes)
    finish(exchange)
  }

  /// The last byte of the answer is out.
  private func completed(_ exchange: Exchange) {
    account(exchange, aborted: false)
    self.exchange = nil
    abandonAt = nil
    guard exchange.keepAlive, !inputBroken else { return linger() }
    if exchange.bodyComplete { return nextRequest() }
    phase = .discarding
    discarded = 0
    advance()
  }

  private func nextRequest() {
    phase = .receiving
    headStarted = false
    if context.isDraining, parser.isBetweenRequests { return close() }
    setDeadline(context.configuration.timeouts.idle)
    advance()
  }

  private func linger() {
    guard phase != .closed else { return }
    phase = .lingering
    transport.endOutput()
    if inputEnded { return close() }
    setDeadline(context.configuration.timeouts.linger)
    updateReading()
  }

  // MARK: Writing

  /// All of the answer has been handed over.
  func finish(_ exchange: Exchange) {
    guard self.exchange === exchange, phase == .exchange else { return }
    exchange.answered = true
    if output.count == 0 { completed(exchange) }
  }

  /// Adds to the output; `writer` goes on once the client has taken most of it.
  func enqueue(_ bytes: [UInt8], writer: CheckedContinuation<Void, any Error>? = nil) {
    output.append(bytes)
    if let writer { writers.append(writer) }
    flush()
  }

  private func flush() {
    guard phase != .closed else { return resumeWriters(throwing: ClientGone()) }
    let (written, end) = output.flush(to: transport)
    exchange?.sentBytes += written
    if written > 0 || writeDeadline == nil { writeDeadline = time(in: context.configuration.timeouts.write) }
    switch end {
    case nil:
      writeDeadline = nil
      setWriting(false)
    case .blocked: setWriting(true)
    default: return abort()
    }
    if output.count <= context.configuration.limits.outputBuffer { resumeWriters() }
    if output.count == 0, let exchange, exchange.answered { completed(exchange) }
  }

  private func setWriting(_ wanted: Bool) {
    guard wanted != writing else { return }
    writing = wanted
    let source: any DispatchSourceWrite
    if let writeSource {
      source = writeSource
    } else {
      source = DispatchSource.makeWriteSource(fileDescriptor: transport.descriptor, queue: loop.queue)
      source.setEventHandler { [unowned self] in if writing { flush() } }
      writeSource = source
    }
    if wanted { source.resume() } else { source.suspend() }
  }

  private func resumeWriters(throwing error: (any Error)? = nil) {
    guard !writers.isEmpty else { return }
    let resumed = writers
    writers = []
    for writer in resumed {
      if let error { writer.resume(throwing: error) } else { writer.resume() }
    }
  }

  // MARK: Time

  private func time(in seconds: Double) -> UInt64 { DispatchTime.now().uptimeNanoseconds + UInt64(max(0, seconds) * 1e9) }

  private func setDeadline(_ seconds: Double) { deadline = time(in: seconds) }

  func checkDeadlines(_ now: UInt64) {
    if let writeDeadline, writeDeadline < now { return abort() }
    if let abandonAt, abandonAt < now {
      self.abandonAt = .max
      exchange?.abandoned = true
      exchange?.task?.cancel()
    }
    guard let deadline, deadline < now else { return }
    self.deadline = nil
    switch phase {
    case .receiving:
      guard headStarted else { return close() }
      inputIsBroken(HTTPError(.requestTimeout, detail: "The header of the request did not arrive in time."))
    case .exchange:
      if wantsBody, exchange?.awaitsContinue == false {
        inputIsBroken(HTTPError(.requestTimeout, detail: "The body of the request did not arrive in time."))
      }
    case .discarding: linger()
    case .lingering, .closed: close()
    }
    updateReading()
  }

  // MARK: Account

  private func account(_ exchange: Exchange, aborted: Bool) {
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - exchange.started) / 1e9
    context.metrics.finished(status: exchange.status, seconds: seconds, bytes: exchange.sentBytes, aborted: aborted)
    var metadata: Logger.Metadata = [
      "method": "\(exchange.head?.method.rawValue ?? "-")", "path": "\(exchange.head?.target.path ?? "-")",
      "status": .stringConvertible(exchange.status ?? 0), "duration_ms": .stringConvertible((seconds * 1e6).rounded() / 1e3),
      "bytes": .stringConvertible(exchange.sentBytes),
      "request_id": "\(exchange.requestID)", "remote": "\(remoteAddress)",
    ]
    if aborted { metadata["aborted"] = "true" }
    context.logger.info("request", metadata: metadata)
  }
}

/// Breaks the circle between a body and its exchange: the body is made first and told later whom to ask.
private final class BodyDemand: Sendable {
  private let ask = Mutex<(@Sendable () -> Void)?>(nil)

  func set(_ ask: @escaping @Sendable () -> Void) { self.ask.withLock { $0 = ask } }
  func callAsFunction() { ask.withLock { $0 }?() }
}
