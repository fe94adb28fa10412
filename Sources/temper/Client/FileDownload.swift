import Files
import Foundation
import Glibc
import HTTP
import Robustness
import Synchronization

/// Downloads into a file. Bytes go to `FILE.part`, which a later try resumes. The file gets its own name once its digest is verified.
struct FileDownload: Sendable {
  let client: Client
  let path: String
  var query: [(name: String, value: String)] = []
  let target: URL
  /// How often in a row a connection may break without delivering a byte.
  private static let fruitlessTries = 5

  struct Outcome: Sendable {
    let bytes: Int
    /// In hexadecimal.
    let sha256: String
    /// The number of bytes that an earlier try had downloaded.
    let resumed: Int
  }

  private var part: URL { target.appendingPathExtension("part") }
  /// Holds the entity tag of the partial download. Without it the download cannot be resumed safely.
  private var tag: URL { target.appendingPathExtension("part.etag") }

  /// - Throws: `CommandFailure`, `Refusal`, `LostConnection`. The partial file stays for the next try.
  func run() async throws -> Outcome {
    let resumed = resumable()
    var fruitless = 0
    while true {
      let before = size()
      do {
        let digest = try await once()
        return try finish(digest, resumed: resumed)
      } catch let lost as LostConnection {
        fruitless = size() > before ? 0 : fruitless + 1
        guard fruitless < Self.fruitlessTries, lost.failure.kind != .cannotConnect || before > 0 else { throw lost }
        try await Task.sleep(for: .seconds(0.5 * Double(fruitless + 1)))
      }
    }
  }

  // MARK: One connection

  /// Downloads over one connection. Returns the digest that the server gives for the whole, in hexadecimal.
  private func once() async throws -> String {
    let have = resumable()
    var headers: [String: String] = [:]
    if have > 0, let known = entityTag() {
      headers["Range"] = "bytes=\(have)-"
      headers["If-Range"] = known
    }
    let sink = PartFile(file: part, tag: tag, have: have)
    defer { sink.close() }
    try await client.transfer(
      ClientRequest(path: path, query: query, headers: headers),
      consumer: WebTransfer.Consumer(head: { try sink.begin($0) }, data: { try sink.write($0) }))
    guard !sink.isShort else { throw client.broken }
    return try sink.end()
  }

  private func finish(_ expected: String, resumed: Int) throws -> Outcome {
    let file = try OpenFile(part)
    let found = try file.sha256()
    guard found == expected else {
      discard()
      throw CommandFailure(
        .unreachable, "the download is damaged: its SHA-256 is \(found), the server says \(expected); it was removed, try again")
    }
    let bytes = size()
    do {
      try AtomicFile.move(file, at: part, to: target)
    } catch {
      throw CommandFailure(.usage, "\(target.lastPathComponent) cannot be written: \(error)")
    }
    try? FileManager.default.removeItem(at: tag)
    return Outcome(bytes: bytes, sha256: found, resumed: resumed)
  }

  // MARK: What is there

  private func size() -> Int {
    (try? FileManager.default.attributesOfItem(atPath: part.path))?[.size] as? Int ?? 0
  }

  private func entityTag() -> String? {
    (try? String(contentsOf: tag, encoding: .utf8)).flatMap { $0.isEmpty ? nil : $0 }
  }

  private func resumable() -> Int { entityTag() == nil ? 0 : size() }

  private func discard() {
    for file in [part, tag] { try? FileManager.default.removeItem(at: file) }
  }
}

/// Writes the body of an answer to the partial file.
private final class PartFile: Sendable {
  private struct State {
    var descriptor: Int32 = -1
    var have = 0
    var total: Int?
    var digest: String?
    var refused: (status: Int, headers: WebHeaders)?
    var body = Data()
  }

  private let file: URL
  private let tag: URL
  private let state: Mutex<State>

  init(file: URL, tag: URL, have: Int) {
    self.file = file
    self.tag = tag
    state = Mutex(State(have: have))
  }

  func begin(_ head: WebHead) throws {
    let headers = head.headers
    try state.withLock { state in
      switch head.status {
      case 200: state.have = 0
      case 206 where headers["Content-Range"]?.hasPrefix("bytes \(state.have)-") == true: break
      case 416 where headers["Content-Range"] == "bytes */\(state.have)":
        // The file is complete already; only its check is left.
        state.digest = ContentDigest.sha256(headers)
        return
      default:
        state.refused = (head.status, headers)
        return
      }
      guard let digest = ContentDigest.sha256(headers) else {
        throw CommandFailure(.unreachable, "the server gives no SHA-256 (Repr-Digest or ETag) to check the download by")
      }
      state.digest = digest
      state.total = headers["Content-Length"].flatMap(Int.init).map { $0 + state.have }
      state.descriptor = open(file.path, O_WRONLY | O_CREAT | O_CLOEXEC | (state.have == 0 ? O_TRUNC : O_APPEND), 0o644)
      guard state.descriptor >= 0 else { throw Self.unwritable(file) }
      if let known = headers["ETag"], !known.hasPrefix("W/") {
        try AtomicFile.write(Data(known.utf8), to: tag)
      }
    }
  }

  func write(_ data: Data) throws {
    try state.withLock { state in
      guard state.descriptor >= 0 else { return state.body.append(data) }
      try data.withUnsafeBytes { bytes in
        var done = 0
        while done < bytes.count {
          let count = Glibc.write(state.descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
          guard count >= 0 || errno == EINTR else { throw Self.unwritable(file) }
          done += max(count, 0)
        }
      }
      state.have += data.count
    }
  }

  /// Whether the connection ended before the whole answer had arrived.
  var isShort: Bool { state.withLock { state in state.total.map { state.have < $0 } ?? false } }

  /// Syncs the file and returns the digest of the whole.
  func end() throws -> String {
    try state.withLock { state in
      if let refused = state.refused { throw Refusal(status: refused.status, headers: refused.headers, body: state.body) }
      guard let digest = state.digest else { throw CommandFailure(.unreachable, "the server gave no answer") }
      if state.descriptor >= 0, fsync(state.descriptor) != 0 { throw Self.unwritable(file) }
      return digest
    }
  }

  func close() {
    state.withLock { state in
      if state.descriptor >= 0 { Glibc.close(state.descriptor) }
      state.descriptor = -1
    }
  }

  private static func unwritable(_ file: URL) -> CommandFailure {
    CommandFailure(.usage, "\(file.lastPathComponent) cannot be written: \(String(cString: strerror(errno)))")
  }
}

/// The SHA-256 in the header fields of an answer.
package enum ContentDigest {
  /// The digest in hexadecimal: from `Repr-Digest` (RFC 9530), else from the entity tag if that is a SHA-256; otherwise nil.
  static func sha256(_ headers: WebHeaders) -> String? {
    headers["Repr-Digest"].flatMap(parse(reprDigest:)) ?? headers["ETag"].flatMap(parse(entityTag:))
  }

  /// Parses `sha-256=:BASE64:`, also among other digests.
  package static func parse(reprDigest field: String) -> String? {
    for member in field.split(separator: ",") {
      let member = member.trimmingCharacters(in: .whitespaces)
      guard member.hasPrefix("sha-256=:"), member.hasSuffix(":"), member.count > 10 else { continue }
      guard let bytes = Data(base64Encoded: String(member.dropFirst(9).dropLast())), bytes.count == 32 else { continue }
      return SHA256Digest.hex([UInt8](bytes))
    }
    return nil
  }

  /// Parses a strong tag of 64 hexadecimal digits, with or without `sha256-` before them.
  package static func parse(entityTag: String) -> String? {
    guard entityTag.hasPrefix("\""), entityTag.hasSuffix("\"") else { return nil }
    let digits = entityTag.dropFirst().dropLast().suffix(64)
    return digits.count == 64 && digits.allSatisfy { $0.isHexDigit && $0.isASCII } ? digits.lowercased() : nil
  }
}
