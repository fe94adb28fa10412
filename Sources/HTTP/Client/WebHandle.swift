import CCurl
import Foundation
import Glibc
import Synchronization

/// A transfer of libcurl for one request: what libcurl calls, and what it is told.
///
/// Sendable because all of it is used on the thread that runs the transfer, but for `cancel()`, which libcurl allows from any thread.
final class WebHandle: @unchecked Sendable {
  /// Freed with this. Set once, right after `init` has a context to give.
  private var transfer: OpaquePointer?
  private let request: WebRequest
  private let consumer: WebTransfer.Consumer
  private var file: UnsafeMutablePointer<FILE>?
  /// What is still to be sent of a body of bytes.
  private var unsent: ArraySlice<UInt8> = []
  /// The header fields of the answer that is coming; those of an interim answer are dropped.
  private var received = WebHeaders()
  private var hasHead = false
  /// What the consumer threw.
  private var failure: (any Error)?
  private var hasForbidden = false

  /// - Throws: `WebFailure`.
  init(_ request: WebRequest, _ consumer: WebTransfer.Consumer) throws {
    self.request = request
    self.consumer = consumer
    let bytes = try openBody()
    guard let transfer = temper_transfer_new(request.method, request.url, calls(hasBody: bytes != nil)) else {
      throw WebFailure(.other, "libcurl has no memory")
    }
    self.transfer = transfer
    for header in request.headers {
      // libcurl's way to send a field with an empty value.
      temper_transfer_add_header(transfer, header.value.isEmpty ? "\(header.name);" : "\(header.name): \(header.value)")
    }
    if let bytes { temper_transfer_set_body_bytes(transfer, Int64(bytes)) }
    // Said, or some servers would wait for a body.
    if request.body == nil, request.method == "POST" { temper_transfer_add_header(transfer, "Content-Length: 0") }
    if case .form(let parts)? = request.body {
      for part in parts { temper_transfer_add_part(transfer, part.name, part.file) }
    }
    temper_transfer_set_trust(transfer, request.trust.authorities, request.trust.certificate, request.trust.key)
    temper_transfer_set_seconds(transfer, request.idleSeconds, request.mostSeconds ?? 0)
  }

  deinit {
    temper_transfer_free(transfer)
    if let file { fclose(file) }
  }

  /// Runs it to its end.
  ///
  /// - Throws: what the consumer threw; `WebFailure`; `CancellationError`.
  func run() throws {
    let end = temper_transfer_run(transfer)
    if let failure { throw failure }
    switch end {
    case TEMPER_TRANSFER_DONE: try sendHead()
    case TEMPER_TRANSFER_CANCELLED: throw CancellationError()
    default:
      if hasForbidden { throw WebFailure(.forbiddenAddress, "its address may not be connected to") }
      throw WebFailure(Self.kind(of: end), String(cString: temper_transfer_error(transfer)))
    }
  }

  func cancel() { temper_transfer_cancel(transfer) }

  // MARK: The body

  /// The bytes of the body; nil where there is none, or libcurl reads it itself.
  private func openBody() throws -> Int? {
    switch request.body {
    case nil: return nil
    case .bytes(let bytes):
      unsent = bytes[...]
      return bytes.count
    case .file(let path):
      var status = stat()
      guard let file = fopen(path, "re") else { throw Self.unreadable(path) }
      self.file = file
      guard fstat(fileno(file), &status) == 0 else { throw Self.unreadable(path) }
      guard status.st_mode & S_IFMT == S_IFREG else { throw WebFailure(.unreadableFile, "\(path) is no file") }
      return Int(status.st_size)
    case .form(let parts):
      for part in parts where access(part.file, R_OK) != 0 { throw Self.unreadable(part.file) }
      return nil
    }
  }

  private static func unreadable(_ path: String) -> WebFailure {
    WebFailure(.unreadableFile, "\(path) cannot be read: \(String(cString: strerror(errno)))")
  }

  // MARK: Called by libcurl

  private func calls(hasBody: Bool) -> temper_transfer_calls {
    var calls = temper_transfer_calls()
    // This outlives the transfer, which it frees.
    calls.context = Unmanaged.passUnretained(self).toOpaque()
    calls.header = { context, bytes, count in WebHandle.of(context).header(UnsafeRawBufferPointer(start: bytes, count: count)) }
    calls.data = { context, bytes, count in WebHandle.of(context).data(UnsafeRawBufferPointer(start: bytes, count: count)) }
    if hasBody {
      calls.body = { context, bytes, count in WebHandle.of(context).read(into: UnsafeMutableRawBufferPointer(start: bytes, count: count)) }
    }
    if request.allows != nil {
      calls.allows = { context, host, port in
        WebHandle.of(context).allows(SocketAddress(host: host.map { String(cString: $0) } ?? "", port: Int(port)))
      }
    }
    return calls
  }

  private static func of(_ context: UnsafeMutableRawPointer?) -> WebHandle {
    guard let context else { preconditionFailure("the context of a transfer is its handle") }
    return Unmanaged<WebHandle>.fromOpaque(context).takeUnretainedValue()
  }

  /// The next bytes of the body; `Int(bitPattern: UInt.max)` ends the transfer.
  private func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    if let file {
      let count = fread(buffer.baseAddress, 1, buffer.count, file)
      return ferror(file) == 0 ? count : Int(bitPattern: UInt.max)
    }
    let count = min(buffer.count, unsent.count)
    buffer.copyBytes(from: unsent.prefix(count))
    unsent = unsent.dropFirst(count)
    return count
  }

  /// A line of a head: the status line, a field, or the empty line at its end.
  private func header(_ bytes: UnsafeRawBufferPointer) -> Int {
    let line = ASCII.trimmed(String(decoding: bytes, as: UTF8.self).replacing("\r\n", with: ""))
    if line.hasPrefix("HTTP/") {
      received = WebHeaders()
    } else if let colon = line.firstIndex(of: ":") {
      received[String(line[..<colon])] = ASCII.trimmed(String(line[line.index(after: colon)...]))
    } else if line.isEmpty, temper_transfer_status(transfer) >= 200 {
      return attempt(bytes.count) { try sendHead() }
    }
    return bytes.count
  }

  private func data(_ bytes: UnsafeRawBufferPointer) -> Int { attempt(bytes.count) { try consumer.data(Data(bytes)) } }

  private func allows(_ address: SocketAddress) -> Bool {
    let isAllowed = request.allows?(address) ?? true
    hasForbidden = hasForbidden || !isAllowed
    return isAllowed
  }

  private func sendHead() throws {
    guard !hasHead else { return }
    hasHead = true
    try consumer.head(WebHead(status: temper_transfer_status(transfer), headers: received))
  }

  /// The number that tells libcurl to go on, or to end.
  private func attempt(_ count: Int, _ body: () throws -> Void) -> Int {
    do {
      try body()
      return count
    } catch {
      failure = error
      return count == 0 ? 1 : 0
    }
  }

  private static func kind(of end: temper_transfer_end) -> WebFailure.Kind {
    switch end {
    case TEMPER_TRANSFER_UNKNOWN_HOST: .unknownHost
    case TEMPER_TRANSFER_CANNOT_CONNECT: .cannotConnect
    case TEMPER_TRANSFER_TIMED_OUT: .timedOut
    case TEMPER_TRANSFER_CONNECTION_LOST: .connectionLost
    case TEMPER_TRANSFER_UNTRUSTED: .untrusted
    case TEMPER_TRANSFER_MALFORMED_URL: .malformedURL
    case TEMPER_TRANSFER_UNREADABLE_FILE: .unreadableFile
    default: .other
    }
  }
}
