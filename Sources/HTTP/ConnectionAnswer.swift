import Logging

/// Sending the answers of handlers.
extension Connection {
  // MARK: On the handlers' threads

  /// Handles one request from end to end.
  func runHandler(_ request: Request, _ exchange: Exchange) async {
    let response = await response(to: request)
    do {
      try await deliver(response, for: request, exchange)
    } catch {
      if !(error is ClientGone || error is CancellationError) {
        log("answer broke off", error, request)
      }
      loop.queue.async { [self] in
        if self.exchange === exchange { abort() }
      }
    }
  }

  private func response(to request: Request) async -> Response {
    do {
      try request.requireKnownCoding()
      try requireScheme(of: request)
      return try await context.handler(request)
    } catch let error as HTTPError {
      return .problem(error, requestID: request.requestID)
    } catch is CancellationError {
      return .problem(HTTPError(.serviceUnavailable, detail: "The request was given up."), requestID: request.requestID)
    } catch {
      log("handler failed", error, request)
      let fault = HTTPError(.internalServerError, detail: "The server failed on this request. Its log has more under the request id.")
      return .problem(fault, requestID: request.requestID)
    }
  }

  /// An `https` URL asks for a connection that is secured by the host's certificate (RFC 9110 §7.4).
  private func requireScheme(of request: Request) throws {
    guard request.target.absolute?.isSecure == true, !transport.isSecure else { return }
    throw HTTPError(.misdirectedRequest, detail: "The request names an https URL, and this connection is plain HTTP.")
  }

  private func log(_ message: Logger.Message, _ error: any Error, _ request: Request) {
    context.logger.error(
      message,
      metadata: [
        "error": "\(error)", "method": "\(request.method.rawValue)", "path": "\(request.path)", "request_id": "\(request.requestID)",
      ])
  }

  private func deliver(_ response: Response, for request: Request, _ exchange: Exchange) async throws {
    if let (length, payload) = response.whole(to: request.method) {
      return loop.queue.async { [self] in
        if sendHead(exchange, response, length, payload: payload) { finish(exchange) }
      }
    }
    switch response.body {
    case .none, .bytes: break
    case .file(let file): try await send(file, response, for: request, exchange)
    case .stream(let produce): try await stream(produce, response, exchange)
    case .events(let opening, let heartbeat, let produce):
      try await stream({ try await produce(EventStream($0)) }, response, exchange, opening: opening, heartbeat: heartbeat)
    }
  }

  private func send(_ file: FileBody, _ response: Response, for request: Request, _ exchange: Exchange) async throws {
    let payload: [UInt8]
    do {
      payload = try file.piece(at: file.range.lowerBound, atMost: FileTransfer.firstPiece)
    } catch {
      // The head is not sent yet, so the client can still be told.
      log("file cannot be read", error, request)
      let fault = HTTPError(
        .internalServerError, detail: "The file cannot be read from the server's disk. Its log has more under the request id.")
      return try await deliver(.problem(fault, requestID: request.requestID), for: request, exchange)
    }
    // From here on the connection's queue and the file queues send it, so that a slow client holds no handler and no memory.
    loop.queue.async { [self] in
      let transfer = FileTransfer(file, from: file.range.lowerBound + payload.count)
      exchange.file = transfer.isComplete ? nil : transfer
      guard sendHead(exchange, response, .known(file.range.count), payload: payload) else { return }
      if transfer.isComplete { finish(exchange) } else { sendFile() }
    }
  }

  private func stream(
    _ produce: @Sendable (ResponseWriter) async throws -> Void, _ response: Response, _ exchange: Exchange, opening: [UInt8] = [],
    heartbeat: Double? = nil
  ) async throws {
    let chunked = exchange.head?.minorVersion != 0
    let framed: @Sendable ([UInt8]) -> [UInt8] = { chunked ? Self.chunk($0) : $0 }
    let beat = heartbeat.map { (every: UInt64(max(0, $0) * 1e9), bytes: framed(ServerSentEvent.comment("heartbeat"))) }
    try await sendHeadAndWait(
      exchange, response, chunked ? .chunked : .untilClose, payload: opening.isEmpty ? [] : framed(opening), heartbeat: beat)
    try await produce(ResponseWriter { [self] bytes in try await write(framed(bytes), exchange) })
    end(exchange, last: chunked ? Array("0\r\n\r\n".utf8) : [])
  }

  private static func chunk(_ bytes: [UInt8]) -> [UInt8] {
    var chunk: [UInt8] = []
    chunk.reserveCapacity(bytes.count + 20)
    chunk.append(contentsOf: String(bytes.count, radix: 16).utf8)
    chunk += [ASCII.cr, ASCII.lf]
    chunk += bytes
    chunk += [ASCII.cr, ASCII.lf]
    return chunk
  }

  /// Returns when there is room for more.
  private func sendHeadAndWait(
    _ exchange: Exchange, _ response: Response, _ length: ResponseHead.Length, payload: [UInt8],
    heartbeat: (every: UInt64, bytes: [UInt8])? = nil
  ) async throws {
    try await withCheckedThrowingContinuation { (writer: CheckedContinuation<Void, any Error>) in
      loop.queue.async { [self] in
        exchange.heartbeat = heartbeat
        if sendHead(exchange, response, length, payload: payload) {
          enqueue([], writer: writer)
        } else {
          writer.resume(throwing: ClientGone())
        }
      }
    }
  }

  private func write(_ bytes: [UInt8], _ exchange: Exchange) async throws {
    try await withCheckedThrowingContinuation { (writer: CheckedContinuation<Void, any Error>) in
      loop.queue.async { [self] in
        guard self.exchange === exchange, !exchange.abandoned else { return writer.resume(throwing: ClientGone()) }
        enqueue(bytes, writer: writer)
      }
    }
  }

  private func end(_ exchange: Exchange, last: [UInt8]) {
    loop.queue.async { [self] in
      guard self.exchange === exchange else { return }
      enqueue(last)
      finish(exchange)
    }
  }

  // MARK: On the connection's queue

  /// Sends the head and `payload`, in one piece when they are small. Returns false when the exchange is over already.
  func sendHead(_ exchange: Exchange, _ response: Response, _ length: ResponseHead.Length, payload: [UInt8]) -> Bool {
    guard self.exchange === exchange, phase == .exchange else { return false }
    exchange.status = response.status.code
    exchange.streams = length == .chunked || length == .untilClose
    // A streaming handler may still read its request; every other handler has returned and cannot.
    if !exchange.streams, !exchange.bodyComplete { dropBody(exchange) }
    exchange.keepAlive = keepsAlive(exchange, response, length)
    let head = ResponseHead(
      status: response.status, headers: response.headers, length: length, keepAlive: exchange.keepAlive,
      minorVersion: exchange.head?.minorVersion ?? 1, requestID: exchange.requestID, date: loop.date,
      serverName: context.configuration.serverName)
    // One send for both. A large body is not worth copying.
    if payload.count <= 64 * 1024 {
      var bytes = head.encoded(room: payload.count)
      bytes += payload
      enqueue(bytes)
    } else {
      enqueue(head.encoded())
      enqueue(payload)
    }
    if exchange.streams, context.isDraining { cancelHandler(exchange) }
    return self.exchange === exchange
  }

  private func dropBody(_ exchange: Exchange) {
    exchange.bodyDropped = true
    exchange.bodyPaused = false
    exchange.body.fail(ClientGone())
    advance()
  }

  /// Whether another request can follow (RFC 9112 §9.3).
  private func keepsAlive(_ exchange: Exchange, _ response: Response, _ length: ResponseHead.Length) -> Bool {
    guard let head = exchange.head, head.keepAlive, !inputBroken, !context.isDraining, length != .untilClose else { return false }
    if response.headers.contains(.connection), ASCII.list(response.headers[values: .connection]).contains("close") { return false }
    if exchange.bodyComplete { return true }
    // A client that waits for 100 Continue and never got it may or may not send its body, so the next bytes cannot be interpreted.
    guard !exchange.awaitsContinue, !exchange.streams, let remaining = parser.remainingBody else { return false }
    return remaining <= context.configuration.limits.maxDiscardedBody
  }
}
