import Foundation
import Glibc
import JSON
import Synchronization
import Testing

/// Clients that follow a job while it trains. Each has its own thread and connection.
@Suite("Followers of a job", .serialized)
struct FollowerTests {
  /// A connection that is used for one request after the other.
  private final class Line {
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    init?(port: Int, seconds: Int) {
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var limit = timeval(tv_sec: seconds, tv_usec: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(port).bigEndian
      address.sin_addr.s_addr = inet_addr("127.0.0.1")
      let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
      }
      guard result == 0 else { return nil }
    }

    deinit { close(descriptor) }

    func send(_ path: String) {
      let text = Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".utf8)
      _ = text.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }

    /// The next bytes of the answer; nil when nothing came in time, or the server has closed.
    func more() -> [UInt8]? {
      var piece = [UInt8](repeating: 0, count: 16_384)
      let count = read(descriptor, &piece, piece.count)
      return count > 0 ? Array(piece[..<count]) : nil
    }

    /// One whole answer with a Content-Length: its status; nil when it did not come.
    func status(_ path: String) -> Int? {
      send(path)
      while true {
        if let end = buffer.firstRange(of: Array("\r\n\r\n".utf8)) {
          let head = String(decoding: buffer[..<end.lowerBound], as: UTF8.self)
          let length =
            head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst("content-length:".count).drop { $0 == " " }) } ?? 0
          if buffer.count >= end.upperBound + length {
            buffer.removeFirst(end.upperBound + length)
            return head.split(separator: " ").dropFirst().first.flatMap { Int($0) }
          }
        }
        guard let piece = more() else { return nil }
        buffer += piece
      }
    }
  }

  /// Runs `body` on `count` threads at once, and returns how many of them returned true.
  private func threads(_ count: Int, _ body: @escaping @Sendable () -> Bool) async -> Int {
    await withCheckedContinuation { continuation in
      let state = Mutex((left: count, good: 0))
      for _ in 0..<count {
        let thread = Thread {
          let good = body()
          let end = state.withLock { state -> Int? in
            state.left -= 1
            state.good += good ? 1 : 0
            return state.left == 0 ? state.good : nil
          }
          if let end { continuation.resume(returning: end) }
        }
        thread.start()
      }
    }
  }

  @Test("polls, long polls and event streams of one training job all go on: none waits for another")
  func crowd() async throws {
    try await RunningService.with { service async throws in
      let id = try await service.submit(Spec.endless())
      _ = try await service.job(id, in: ["running"])
      let port = service.port
      async let polls = threads(12) {
        guard let line = Line(port: port, seconds: 60) else { return false }
        return (0..<150).allSatisfy { _ in line.status("/v1/jobs/\(id)") == 200 }
      }
      async let waits = threads(12) {
        guard let line = Line(port: port, seconds: 60) else { return false }
        return (0..<4).allSatisfy { _ in line.status("/v1/jobs/\(id)?wait=2") == 200 }
      }
      async let lists = threads(4) {
        guard let line = Line(port: port, seconds: 60) else { return false }
        return (0..<40).allSatisfy { _ in line.status("/v1/jobs?limit=5") == 200 }
      }
      async let streams = threads(12) {
        guard let line = Line(port: port, seconds: 60) else { return false }
        line.send("/v1/jobs/\(id)/events")
        var text = ""
        while text.components(separatedBy: "event: progress").count < 4 {
          guard let piece = line.more() else { return false }
          text += String(decoding: piece, as: UTF8.self)
        }
        return true
      }
      async let alive = threads(1) {
        guard let line = Line(port: port, seconds: 60) else { return false }
        return (0..<300).allSatisfy { _ in line.status("/healthz") == 200 }
      }
      #expect(await polls == 12)
      #expect(await waits == 12)
      #expect(await lists == 4)
      #expect(await streams == 12)
      #expect(await alive == 1)
      #expect(try await service.curl("/v1/jobs/\(id)/cancel", "-X", "POST").status == 202)
    }
  }

  @Test("a stream that begins again behind its last event gets each event that is kept once, and a job that ended needs no stream")
  func comeBack() async throws {
    try await RunningService.with { service async throws in
      let id = try await service.submit(Spec.quick())
      _ = try await service.job(id)
      let all = try await service.curl("/v1/jobs/\(id)/events", "-H", "Accept: application/json").json["data"]?.list ?? []
      let numbers = all.compactMap { $0["id"]?.integer }
      #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
      let middle = numbers[numbers.count / 2]
      let rest = try await service.curl("/v1/jobs/\(id)/events", "-H", "Last-Event-ID: \(middle)")
      let ids = rest.text.split(separator: "\n").filter { $0.hasPrefix("id: ") }.compactMap { Int($0.dropFirst(4)) }
      #expect(ids == ids.sorted() && Set(ids).count == ids.count)
      // Only the stream has progress.
      #expect(ids.filter(numbers.contains) == numbers.filter { $0 > middle })
      #expect(try await service.curl("/v1/jobs/\(id)/events", "-H", "Last-Event-ID: \(numbers[numbers.count - 1])").status == 204)
    }
  }

  @Test("the state of a job that has ended is the same answer, by the same tag, for all who ask")
  func sameTag() async throws {
    try await RunningService.with { service async throws in
      let id = try await service.submit(Spec.quick())
      _ = try await service.job(id)
      let first = try await service.curl("/v1/jobs/\(id)")
      let tag = try #require(first.headers["etag"])
      #expect(try await service.curl("/v1/jobs/\(id)").body == first.body)
      #expect(try await service.curl("/v1/jobs/\(id)", "-H", "If-None-Match: \(tag)").status == 304)
      #expect(try await service.curl("/v1/jobs/\(id)", "-I").headers["content-length"] == "\(first.body.count)")
      #expect(try await service.curl("/v1/jobs/\(id)?wait=30").body == first.body)
    }
  }
}
