import Foundation
import HTTP
import Testing

/// Bodies that come by gzip, made by the program of that name and sent by curl.
@Suite("Compressed bodies", .serialized) struct CompressedBodyTests {
  /// Answers with the length and the end of what came.
  private static let handler: HTTP.Handler = { request in
    request.body.limit(to: 3_000_000)
    let body = try await request.body.collect()
    return .text("\(body.count) \(String(decoding: body.suffix(3), as: UTF8.self))")
  }

  /// - Parameters:
  ///   - make: a command of the shell that writes the body.
  ///   - expected: the status, then the answer where it is one.
  @Test(
    "a body is expanded as it comes, member after member; what is damaged or grows too large is refused",
    arguments: [
      ("printf abc | gzip", "200 3 abc"), ("head -c 3000000 /dev/zero | tr '\\0' x | gzip -9", "200 3000000 xxx"),
      ("head -c 3000001 /dev/zero | gzip -9", "413"), ("head -c 100000000 /dev/zero | gzip -9", "413"),
      ("(printf ab | gzip; printf cd | gzip)", "200 4 bcd"), ("seq 100000 | gzip | head -c 50000", "400"),
      ("printf abc", "400"), ("(printf abc | gzip; printf junk)", "400"),
      ("head -c 2500000 /dev/urandom | base64 -w0 | head -c 2999997 | (cat; printf end) | gzip", "200 3000000 end"),
    ])
  func expansion(make: String, expected: String) async throws {
    try await withServer(handler: Self.handler) { port, _, _ in
      let send = "curl -sS -o - -w '\\n%{http_code}' -H 'Content-Encoding: gzip' --data-binary @- http://127.0.0.1:\(port)/"
      for transfer in ["", " -H 'Transfer-Encoding: chunked'"] {
        let lines = try run(["sh", "-c", "\(make) | \(send)\(transfer)"]).output.split(separator: "\n")
        let answer = lines.count > 1 && lines.last == "200" ? "200 \(lines[0])" : String(lines.last ?? "")
        #expect(answer == expected)
      }
    }
  }
}
