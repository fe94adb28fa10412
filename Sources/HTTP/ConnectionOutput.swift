import Dispatch

/// Writing.
extension Connection {
  /// Called when the whole answer is in the output.
  func finish(_ exchange: Exchange) {
    guard self.exchange === exchange, phase == .exchange else { return }
    exchange.answered = true
    if output.count == 0 { completed(exchange) }
  }

  /// Adds to the output. `writer` is resumed once the client has taken most of it.
  func enqueue(_ bytes: [UInt8], writer: CheckedContinuation<Void, any Error>? = nil) {
    output.append(bytes)
    if let writer { writers.append(writer) }
    flush()
  }

  func flush() {
    guard phase != .closed else { return resumeWriters(throwing: ClientGone()) }
    let (written, end) = output.flush(to: transport)
    exchange?.sentBytes += written
    if written > 0, let exchange, exchange.heartbeat != nil { exchange.lastSent = DispatchTime.now().uptimeNanoseconds }
    switch end {
    case nil:
      writeDeadline = nil
      setWriting(false)
    case .blocked:
      if written > 0 || writeDeadline == nil { writeDeadline = time(in: context.configuration.timeouts.write) }
      setWriting(true)
    case .blockedOnInput:
      if writeDeadline == nil { writeDeadline = time(in: context.configuration.timeouts.write) }
      setWriting(false)
    default: return abort()
    }
    if output.count <= context.configuration.limits.outputBuffer { resumeWriters() }
    guard output.count == 0, let exchange else { return }
    if exchange.answered { completed(exchange) } else { sendFile() }
  }

  func setWriting(_ wanted: Bool) {
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

  func resumeWriters(throwing error: (any Error)? = nil) {
    guard !writers.isEmpty else { return }
    let resumed = writers
    writers = []
    for writer in resumed {
      if let error { writer.resume(throwing: error) } else { writer.resume() }
    }
  }
}
