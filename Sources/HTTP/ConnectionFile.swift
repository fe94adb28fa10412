import Dispatch

/// Sending files. Each step runs on a file queue and comes back to the connection's queue with what it did.
extension Connection {
  /// Begins the next step if there is a file to send and the output is empty.
  func sendFile() {
    guard phase == .exchange, let exchange, let file = exchange.file, !isSendingFile, output.count == 0 else { return }
    isSendingFile = true
    setWriting(false)
    fileStep.enter()
    let queue = context.fileQueues[Int(transport.descriptor) % context.fileQueues.count]
    queue.async { [self] in
      let step = file.step(to: transport)
      fileStep.leave()
      loop.queue.async { [self] in
        isSendingFile = false
        guard self.exchange === exchange, phase == .exchange else { return }
        take(step, of: exchange)
      }
    }
  }

  private func take(_ step: FileTransfer.Step, of exchange: Exchange) {
    switch step {
    case .sent(let count, let isBlocked):
      exchange.file?.advance(by: count)
      exchange.sentBytes += count
      if exchange.file?.isComplete == true { return endFile(exchange) }
      guard isBlocked else { return sendFile() }
      if count > 0 || writeDeadline == nil { writeDeadline = time(in: context.configuration.timeouts.write) }
      setWriting(true)
    case .read(let bytes):
      exchange.file?.advance(by: bytes.count)
      let isComplete = exchange.file?.isComplete == true
      if isComplete { exchange.file = nil }
      enqueue(bytes)
      if isComplete { finish(exchange) }
    case .socketFailed: abort()
    case .fileFailed(let reason):
      context.logger.error("answer broke off", metadata: ["error": "\(reason)", "request_id": "\(exchange.requestID)"])
      abort()
    }
  }

  private func endFile(_ exchange: Exchange) {
    exchange.file = nil
    writeDeadline = nil
    finish(exchange)
  }
}
