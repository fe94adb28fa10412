import Dispatch

/// One client connection: its socket, its requests one after the other, and their answers in the same order.
final class Connection: @unchecked Sendable {  // safe: all mutable state is used on `loop.queue`
  enum Phase {
    /// Between requests, or inside the head of one.
    case receiving
    /// A request is being handled, or its answer is being sent.
    case exchange
    /// The answer is sent; the rest of the request's body is read and dropped.
    case discarding
    /// The last answer is sent; further input is dropped until the client closes (RFC 9112 §9.6).
    case lingering
    case closed
  }

  let loop: EventLoop
  let context: ServerContext
  let remoteAddress: SocketAddress
  let transport: any Transport
  var phase = Phase.receiving
  var exchange: Exchange?

  // Input: ConnectionInput.swift.
  let readSource: any DispatchSourceRead
  var parser: RequestParser
  var reading = false
  /// `advance` is running. A nested call returns at once, because the running one will take the next events too.
  var advancing = false
  var headStarted = false
  /// Bytes of a request body that were read and dropped.
  var discarded = 0
  /// The client has closed its sending side.
  var inputEnded = false
  /// The input is not valid HTTP, or broke off. No further request can be read from this connection.
  var inputBroken = false

  // Output: ConnectionOutput.swift.
  var output = Output()
  var writeSource: (any DispatchSourceWrite)?
  var writing = false
  var writers: [CheckedContinuation<Void, any Error>] = []
  /// Entered while a file queue uses the descriptor, which must not be closed meanwhile.
  let fileStep = DispatchGroup()
  var isSendingFile = false

  // Uptime in nanoseconds.
  var deadline: UInt64?
  private var waitingSince: UInt64 = 0
  /// It came beyond the limit of connections.
  private var isRefused = false
  var writeDeadline: UInt64?
  var abandonAt: UInt64?

  init(transport: any Transport, remoteAddress: SocketAddress, loop: EventLoop, context: ServerContext) {
    self.transport = transport
    self.remoteAddress = remoteAddress
    self.loop = loop
    self.context = context
    parser = RequestParser(limits: context.configuration.limits)
    readSource = DispatchSource.makeReadSource(fileDescriptor: transport.descriptor, queue: loop.queue)
  }

  // MARK: Life

  /// Begins to serve. With a `refusal`, it sends that answer and closes.
  func start(refusal: HTTPError? = nil) {
    loop.add(self)
    readSource.setEventHandler { [unowned self] in readable() }
    // The connection was accepted just as the drain began.
    if context.isDraining { return close() }
    waitForRequest()
    // A handshake has the time of a header.
    if transport.isSecure { setDeadline(context.configuration.timeouts.header) }
    guard let refusal else { return updateReading() }
    isRefused = true
    reject(refusal)
  }

  /// The server shuts down: requests in flight are finished, everything else ends.
  func drain() {
    switch phase {
    case .receiving: if parser.isBetweenRequests { close() }
    case .exchange: if let exchange, exchange.streams { cancelHandler(exchange) }
    case .discarding, .lingering: close()
    case .closed: break
    }
  }

  /// Closes at once, also during a request.
  func abort() {
    guard phase != .closed else { return }
    if let exchange {
      exchange.abandoned = true
      cancelHandler(exchange)
      exchange.body.fail(ClientGone())
      account(exchange, aborted: true)
      self.exchange = nil
    }
    close()
  }

  func close() {
    guard phase != .closed else { return }
    phase = .closed
    output.removeAll()
    resumeWriters(throwing: ClientGone())
    closeSources()
    loop.remove(self)
  }

  /// Closes the descriptor once no source watches it any more. A suspended source must be resumed first, or its cancel handler never
  /// runs.
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
      fileStep.notify(queue: loop.queue) { [self] in
        transport.close()
        context.connections.remove(remoteAddress)
        context.metrics.closed()
      }
    }
  }

  // MARK: Requests

  /// Called when the head of a request is complete. A request with a body goes to its handler at once. One without goes as soon as the
  /// parser reports its end, which is the next event.
  func begin(_ head: RequestHead) {
    let exchange = Exchange(head: head, requestID: head.requestID ?? RequestID.new(), body: .empty)
    exchange.awaitsContinue = head.expectsContinue
    self.exchange = exchange
    phase = .exchange
    headStarted = false
    deadline = nil
    abandonAt = nil
    guard head.hasBody else { return }
    exchange.body = body(of: head, exchange)
    handle(request(exchange, head), exchange)
  }

  /// Called when a request without a body is complete.
  func dispatch(_ exchange: Exchange, _ head: RequestHead) {
    let request = request(exchange, head)
    // A request for an https URL is the handler's to refuse.
    let isPlain = request.target.absolute?.isSecure != true
    if isPlain, let response = context.immediate?(request), let (length, payload) = response.whole(to: head.method) {
      exchange.answerer = .immediate
      if sendHead(exchange, response, length, payload: payload) { finish(exchange) }
    } else {
      handle(request, exchange)
    }
  }

  private func request(_ exchange: Exchange, _ head: RequestHead) -> Request {
    Request(
      method: head.method, target: head.target, headers: head.headers, remoteAddress: client(of: head), requestID: exchange.requestID,
      body: exchange.body, notes: exchange.notes)
  }

  private func client(of head: RequestHead) -> SocketAddress {
    ForwardedAddress.client(of: head.headers, from: remoteAddress, proxies: context.configuration.proxies)
  }

  private func body(of head: RequestHead, _ exchange: Exchange) -> RequestBody {
    let limits = context.configuration.limits
    var declared: Int?
    if case .length(let length) = head.framing { declared = length }
    let isCompressed = declared != 0 && ContentCoding.codings(head.headers).contains(where: ContentCoding.isGzip)
    return RequestBody(
      declaredLength: declared, limit: limits.maxBodyBytes, highWater: limits.bodyBuffer,
      expansion: isCompressed ? GzipExpansion() : nil
    ) {
      [weak self, weak exchange] in
      guard let self, let exchange else { return }
      loop.queue.async { self.bodyWanted(exchange) }
    }
  }

  private func handle(_ request: Request, _ exchange: Exchange) {
    let task = HandlerTask { [self] in await runHandler(request, exchange) }
    exchange.handler = task
    context.pool.submit(task)
  }

  func cancelHandler(_ exchange: Exchange) {
    if let task = exchange.handler { context.pool.cancel(task) }
  }

  /// Answers what is not a request, or comes on a connection too many, and closes.
  func reject(_ error: HTTPError) {
    let exchange = Exchange(head: nil, requestID: RequestID.new(), body: .empty)
    self.exchange = exchange
    phase = .exchange
    inputBroken = true
    deadline = nil
    exchange.bodyComplete = true
    sendError(error, exchange)
  }

  /// Sends an error as the answer, without a handler.
  private func sendError(_ error: HTTPError, _ exchange: Exchange) {
    let response = Response.problem(error, requestID: exchange.requestID)
    guard let (length, payload) = response.whole(to: exchange.head?.method ?? .get) else { return }
    if sendHead(exchange, response, length, payload: payload) { finish(exchange) }
  }

  /// Called when the last byte of the answer is sent.
  func completed(_ exchange: Exchange) {
    account(exchange, aborted: false)
    self.exchange = nil
    abandonAt = nil
    guard exchange.keepAlive, !inputBroken else { return linger() }
    if exchange.bodyComplete { return nextRequest() }
    phase = .discarding
    discarded = 0
    advance()
  }

  func nextRequest() {
    phase = .receiving
    headStarted = false
    if context.isDraining, parser.isBetweenRequests { return close() }
    waitForRequest()
    advance()
  }

  /// Since when it has been without a request; nil while it has one, or a part of one.
  var idleSince: UInt64? { phase == .receiving && !headStarted && parser.isBetweenRequests ? waitingSince : nil }

  private func waitForRequest() {
    waitingSince = time(in: 0)
    setDeadline(context.configuration.timeouts.idle)
  }

  func linger() {
    guard phase != .closed else { return }
    phase = .lingering
    transport.endOutput()
    if inputEnded { return close() }
    // Refused connections hold places that others wait for.
    setDeadline(isRefused ? min(Self.refusalLinger, context.configuration.timeouts.linger) : context.configuration.timeouts.linger)
    updateReading()
  }

  private static let refusalLinger = 0.25

  // MARK: Time

  func time(in seconds: Double) -> UInt64 { DispatchTime.now().uptimeNanoseconds + UInt64(max(0, seconds) * 1e9) }

  func setDeadline(_ seconds: Double) { deadline = time(in: seconds) }

  func checkDeadlines(_ now: UInt64) {
    if let writeDeadline, writeDeadline < now { return abort() }
    if let exchange { check(exchange, now) }
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

  private func check(_ exchange: Exchange, _ now: UInt64) {
    if let abandonAt, abandonAt < now {
      self.abandonAt = .max
      exchange.abandoned = true
      if !refuse(exchange, as: .handler, "The request was given up.") { cancelHandler(exchange) }
    } else if exchange.status == nil {
      guard let task = exchange.handler, task.since + loop.handlerWait < now else { return }
      _ = refuse(exchange, as: .watchdog, "All threads of the server are busy; send the request again in a while.")
    } else if let beat = exchange.heartbeat, !exchange.answered, output.count == 0, exchange.lastSent + beat.every < now {
      enqueue(beat.bytes)
    }
  }

  /// Answers 503 if the handler has not begun, and keeps it from beginning. Returns false if it has begun; it then goes on.
  private func refuse(_ exchange: Exchange, as answerer: Exchange.Answerer, _ detail: String) -> Bool {
    guard exchange.status == nil, let task = exchange.handler, context.pool.withdraw(task) else { return false }
    exchange.answerer = answerer
    sendError(HTTPError(.serviceUnavailable, detail: detail, headers: [.retryAfter: "1"]), exchange)
    return true
  }

  // MARK: Account

  private func account(_ exchange: Exchange, aborted: Bool) {
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - exchange.started) / 1e9
    context.metrics.finished(exchange, seconds: seconds, aborted: aborted)
    guard context.accessLog.isOn else { return }
    context.accessLog.add(
      AccessLog.Line(
        method: exchange.head?.method, path: exchange.head?.target.path, route: exchange.notes.route, caller: exchange.notes.caller,
        status: exchange.status, seconds: seconds, bytes: exchange.sentBytes, requestID: exchange.requestID,
        remote: exchange.head.map(client) ?? remoteAddress, aborted: aborted))
  }
}
