import Dispatch

/// Reading: the events that a connection takes from its input in each phase.
extension Connection {
  func readable() {
    guard phase != .closed, reading else { return }
    switch transport.read(into: loop.scratch) {
    case .bytes(let count):
      context.metrics.received(bytes: count)
      receive(UnsafeRawBufferPointer(rebasing: loop.scratch[..<count]))
    // Of a handshake; an answer may wait for it.
    case .blocked, .blockedOnInput: if output.count > 0 { flush() }
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

  /// Takes the events from the parser that the present phase can use. An immediate answer calls this again from inside the loop; that
  /// call returns at once and the loop goes on, so the stack does not grow with the number of pipelined requests.
  func advance() {
    guard !advancing else { return }
    advancing = true
    takeEvents()
    advancing = false
    if inputEnded, phase != .closed { endOfInput() }
    if phase == .receiving, !headStarted, !parser.isBetweenRequests {
      headStarted = true
      setDeadline(context.configuration.timeouts.header)
    }
    if wantsBody || phase == .discarding { setDeadline(context.configuration.timeouts.body) }
    updateReading()
  }

  private func takeEvents() {
    while phase == .receiving || phase == .discarding || wantsBody {
      do {
        guard let event = try parser.next() else { return }
        take(event)
      } catch {
        return inputIsBroken(error)
      }
    }
  }

  var wantsBody: Bool {
    guard phase == .exchange, let exchange, !inputBroken else { return false }
    return !exchange.bodyComplete && !exchange.bodyPaused
  }

  private func take(_ event: RequestParser.Event) {
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
    case .end: requestIsComplete()
    }
  }

  private func requestIsComplete() {
    if phase == .discarding { return nextRequest() }
    guard let exchange else { return }
    exchange.bodyComplete = true
    exchange.awaitsContinue = false
    deadline = nil
    guard let head = exchange.head, !head.hasBody else { return exchange.body.finish() }
    dispatch(exchange, head)
  }

  func inputIsBroken(_ error: HTTPError) {
    inputBroken = true
    deadline = nil
    switch phase {
    case .receiving: reject(error)
    // The reader of the body gets the error, and the client gets the reader's answer.
    case .exchange: exchange?.body.fail(error)
    case .discarding: linger()
    case .lingering, .closed: break
    }
  }

  /// The client sends nothing more, but may still read: one that closed only its sending side gets its answers.
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

  /// The read source stays active while a handler runs, so that a closing client is noticed. It is suspended while enough input is
  /// waiting.
  func updateReading() {
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

  /// Called when the reader of the body wants bytes, for the first time or again after a pause.
  func bodyWanted(_ exchange: Exchange) {
    guard self.exchange === exchange, phase == .exchange else { return }
    if exchange.awaitsContinue, exchange.status == nil, !inputEnded {
      exchange.awaitsContinue = false
      enqueue(ResponseHead.goOn)
    }
    exchange.bodyPaused = false
    advance()
  }
}
