import Files
import Foundation
import Testing

@Suite struct DownloadTests {
  private static let content = String(repeating: "0123456789", count: 20)
  private static let digest = SHA256Digest.hex(of: Data(content.utf8))
  private static var headers: [String] { ["ETag: \"\(digest)\"", "Accept-Ranges: bytes"] }

  /// A complete answer of which only the first bytes are sent.
  private static func broken(after count: Int) -> String {
    let head = ["HTTP/1.1 200 OK", "Content-Length: \(content.utf8.count)", "Connection: close"] + headers
    return head.joined(separator: "\r\n") + "\r\n\r\n" + content.prefix(count)
  }

  private static func rest(from start: Int) -> String {
    let range = "Content-Range: bytes \(start)-\(content.utf8.count - 1)/\(content.utf8.count)"
    return ScriptedServer.answer(status: "206 Partial Content", headers: headers + [range], String(content.dropFirst(start)))
  }

  @Test("a whole download takes its name once its digest is right") func wholeDownloadTakes() async throws {
    let space = try Workspace()
    let server = try ScriptedServer([ScriptedServer.answer(headers: Self.headers, Self.content)])
    let outcome = try await Executable.run("download", "job_00000000000000000000000001", "-o", space.path("w"), "--server", server.url)
    #expect(outcome.code == 0)
    #expect(outcome.output == "\(Self.digest)  \(space.path("w"))\n")
    #expect(try space.data("w") == Data(Self.content.utf8))
    #expect(!space.exists("w.part") && !space.exists("w.part.etag"))
    #expect(try #require(server.requests.first).hasPrefix("GET /v1/jobs/job_00000000000000000000000001/checkpoints/best_robust HTTP/1.1"))
  }

  @Test("the evidence of a job is downloaded as its weights are") func evidence() async throws {
    let space = try Workspace()
    let server = try ScriptedServer([ScriptedServer.answer(headers: Self.headers, Self.content)])
    let outcome = try await Executable.run(
      "download", "job_00000000000000000000000001", "--evidence", "-o", space.path("e.tar"), "--server", server.url)
    #expect(outcome.code == 0)
    #expect(try space.data("e.tar") == Data(Self.content.utf8))
    #expect(try #require(server.requests.first).hasPrefix("GET /v1/jobs/job_00000000000000000000000001/evidence HTTP/1.1"))
    let both = try await Executable.run("download", "job_00000000000000000000000001", "--evidence", "--role", "last", "-o", space.path("w"))
    #expect(both.code == 2)
  }

  @Test("a download that breaks goes on where it broke") func downloadThatBreaksGoes() async throws {
    let space = try Workspace()
    let server = try ScriptedServer([Self.broken(after: 70), Self.rest(from: 70)])
    let outcome = try await Executable.run(
      "download", "job_00000000000000000000000001", "--role", "last", "-o", space.path("w"), "--server", server.url)
    #expect(outcome.code == 0)
    #expect(try space.data("w") == Data(Self.content.utf8))
    #expect(server.requests.count == 2)
    let second = try #require(server.requests.last)
    #expect(second.contains("Range: bytes=70-\r\n"))
    #expect(second.contains("If-Range: \"\(Self.digest)\"\r\n"))
  }

  @Test("a later command goes on with what an earlier one left") func laterCommandGoes() async throws {
    let space = try Workspace()
    try space.write(String(Self.content.prefix(33)), to: "w.part")
    try space.write("\"\(Self.digest)\"", to: "w.part.etag")
    let server = try ScriptedServer([Self.rest(from: 33)])
    let outcome = try await Executable.run(
      "download", "job_00000000000000000000000001", "-o", space.path("w"), "--json", "--server", server.url)
    #expect(outcome.code == 0)
    #expect(outcome.output.contains("\"resumed_from\": 33"))
    #expect(try space.data("w") == Data(Self.content.utf8))
  }

  @Test("a part of other weights is thrown away when the server sends the whole") func partOfOtherWeights() async throws {
    let space = try Workspace()
    try space.write("of something else", to: "w.part")
    try space.write("\"0000\"", to: "w.part.etag")
    let server = try ScriptedServer([ScriptedServer.answer(headers: Self.headers, Self.content)])
    let outcome = try await Executable.run("download", "job_00000000000000000000000001", "-o", space.path("w"), "--server", server.url)
    #expect(outcome.code == 0)
    #expect(try space.data("w") == Data(Self.content.utf8))
  }

  @Test("a damaged download is refused and leaves nothing") func damagedDownloadIsRefused() async throws {
    let space = try Workspace()
    let server = try ScriptedServer([ScriptedServer.answer(headers: Self.headers, Self.content.replacing("5", with: "6"))])
    let outcome = try await Executable.run("download", "job_00000000000000000000000001", "-o", space.path("w"), "--server", server.url)
    #expect(outcome.code == 5)
    #expect(outcome.errors.contains("damaged"))
    #expect(!space.exists("w") && !space.exists("w.part") && !space.exists("w.part.etag"))
  }

  @Test("weights that do not exist end with 2 and leave nothing") func weightsThatDoNotExist() async throws {
    let space = try Workspace()
    let server = try ScriptedServer([ScriptedServer.answer(status: "404 Not Found", #"{"detail": "There is no such checkpoint."}"#)])
    let outcome = try await Executable.run("download", "job_00000000000000000000000001", "-o", space.path("w"), "--server", server.url)
    #expect(outcome.code == 2)
    #expect(outcome.errors == "temper: There is no such checkpoint.\n")
    #expect(!space.exists("w") && !space.exists("w.part"))
  }
}
