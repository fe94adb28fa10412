import JSON
import Foundation
import Robustness
import Testing

/// Client commands against a scripted server.
@Suite struct ClientTests {
  private static let job = #"""
    {"id": "job_00000000000000000000000001", "object": "job", "name": null, "state": "STATE", "terminal": true, "reason": "a reason", "metrics": {}, "warnings": []}
    """#

  private static func job(_ state: String) -> String { ScriptedServer.answer(job.replacing("STATE", with: state)) }

  private static func events(_ lines: String) -> String {
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + lines
  }

  @Test(
    "a server out of reach ends every client with 5 and a word on standard error",
    arguments: [
      ["status", "job_00000000000000000000000001"], ["list"], ["cancel", "job_00000000000000000000000001"],
      ["gate", "job_00000000000000000000000001"], ["watch", "job_00000000000000000000000001"],
      ["report", "job_00000000000000000000000001"],
      ["download", "job_00000000000000000000000001", "-o", "x"],
      ["sweep", "-", "--vary", "seed=0,1"],
    ])
  func serverOutOfReach(arguments: [String]) async throws {
    let outcome = try await Executable(arguments + ["--server", "http://127.0.0.1:1"], input: "{}").end()
    #expect(outcome.code == 5)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains("cannot reach the server http://127.0.0.1:1"))
  }

  @Test("the server and the token come from the environment") func serverAndTheToken() async throws {
    let server = try ScriptedServer([Self.job("running")])
    let outcome = try await Executable.run(
      "status", "job_00000000000000000000000001", "--json", environment: ["TEMPER_SERVER": server.url, "TEMPER_TOKEN": "secret"])
    #expect(outcome.code == 0)
    #expect(try JSONValue(parsing: outcome.output)["id"] == "job_00000000000000000000000001")
    let request = try #require(server.requests.first)
    #expect(request.hasPrefix("GET /v1/jobs/job_00000000000000000000000001 HTTP/1.1\r\n"))
    #expect(request.contains("Authorization: Bearer secret\r\n"))
  }

  @Test("faults of a spec end submit with 2, each with its pointer and its place in the file") func faultsOfASpecEnd() async throws {
    let problem = #"""
      {"title": "Unprocessable", "detail": "The spec cannot run.", "status": 422,
       "errors": [{"pointer": "/threat/epsilon", "code": "out_of_range", "detail": "must be at least 0"}, {"pointer": "/model", "detail": "missing"}]}
      """#
    let headers = ["Content-Type: application/problem+json"]
    let server = try ScriptedServer([ScriptedServer.answer(status: "422 Unprocessable Content", headers: headers, problem)])
    let outcome = try await Executable.run("submit", "-", "--server", server.url, input: "{\n  \"threat\": {\"epsilon\": -1}\n}")
    #expect(outcome.code == 2)
    #expect(
      outcome.errors
        == "temper: the spec cannot run:\n  /model: missing (line 1, column 1)\n  /threat/epsilon: must be at least 0 (line 2, column 14)\n"
    )
    #expect(outcome.output.isEmpty)
    #expect(try #require(server.requests.first).contains("Idempotency-Key: "))
  }

  @Test("logs --follow prints what logs prints, over a stream that breaks, until its end", arguments: [false, true])
  func followedLog(asJSON: Bool) async throws {
    let at = #""at": "2026-11-27T04:00:00.000Z""#
    let server = try ScriptedServer([
      Self.events(
        "retry: 10\n\nid: 1\nevent: state\ndata: {\"state\": \"running\", \(at)}\n\nevent: progress\ndata: {\"fraction\": 0.5, \(at)}\n\n"),
      Self.events(
        "id: 2\nevent: warning\ndata: {\"code\": \"few_updates\", \"detail\": \"Few.\", \(at)}\n\nid: 3\nevent: end\ndata: {\"state\": \"succeeded\", \(at)}\n\n"
      ),
    ])
    let options = ["logs", "job_00000000000000000000000001", "--follow", "--server", server.url] + (asJSON ? ["--json"] : [])
    let outcome = try await Executable(options).end()
    #expect(outcome.code == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n").map(String.init)
    if asJSON {
      let events = try lines.map { try JSONValue(parsing: $0) }
      #expect(events.map { $0["id"]?.integer } == [1, 2, 3] && events.map { $0["event"]?.string } == ["state", "warning", "end"])
      #expect(events[1]["at"] == "2026-11-27T04:00:00.000Z" && events[1]["data"] == ["code": "few_updates", "detail": "Few."])
    } else {
      #expect(lines == ["2026-11-27T04:00:00.000Z  running", "2026-11-27T04:00:00.000Z  warning few_updates: Few."])
    }
    #expect(server.requests.last?.lowercased().contains("last-event-id: 1\r\n") == true)
  }

  @Test("a stream that breaks is taken up after its last event, and only its end is the end") func streamThatBreaks() async throws {
    let server = try ScriptedServer([
      Self.events("retry: 10\n\nid: 1\nevent: metric\ndata: {\"epoch\": 1, \"values\": {\"loss\": 0.5}}\n\nid: 2\nevent: met"),
      Self.events("id: 2\nevent: metric\ndata: {\"epoch\": 2, \"values\": {\"loss\": 0.25}}\n\n"),
      Self.events("id: 3\nevent: end\ndata: {\"state\": \"cancelled\"}\n\n"),
      Self.job("cancelled"),
    ])
    let outcome = try await Executable.run("watch", "job_00000000000000000000000001", "--server", server.url)
    #expect(outcome.code == 4)
    #expect(outcome.errors.components(separatedBy: "loss 0.").count == 3)
    // Field names are case-insensitive (RFC 9110 §5.1), and Foundation changes their case.
    let requests = server.requests.map { $0.lowercased() }
    #expect(requests.map { $0.contains("last-event-id") } == [false, true, true, false])
    #expect(requests[1].contains("last-event-id: 1\r\n"))
    #expect(requests[2].contains("last-event-id: 2\r\n"))
  }

  @Test(
    "watch exits by the state in which the job ended", arguments: [("failed", 1), ("cancelled", 4), ("succeeded", 0)] as [(String, Int32)])
  func watchExitsByTheState(state: String, code: Int32) async throws {
    let server = try ScriptedServer([
      Self.events("id: 1\nevent: end\ndata: {}\n\n"), Self.job(state), ScriptedServer.answer(status: "409 Conflict", "{}"),
    ])
    let outcome = try await Executable.run("watch", "job_00000000000000000000000001", "--json", "--server", server.url)
    #expect(outcome.code == code)
    let result = try JSONValue(parsing: outcome.output)
    #expect(result["state"] == .string(state))
    #expect(result["report"] == .null)
  }

  @Test("gate exits by the verdict", arguments: [("pass", 0), ("fail", 3), ("inconclusive", 6)] as [(String, Int32)])
  func gateExitsByTheVerdict(verdict: String, code: Int32) async throws {
    let answer = #"""
      {"verdict": "\#(verdict)",
       "gates": [{"metric": "robust_accuracy", "attack": "pgd", "min": 0.6, "value": 0.7, "interval": {"low": 0.65, "high": 0.75},
                  "verdict": "\#(verdict)"}]}
      """#
    let server = try ScriptedServer([ScriptedServer.answer(answer)])
    let outcome = try await Executable.run("gate", "job_00000000000000000000000001", "--server", server.url)
    #expect(outcome.code == code)
    #expect(outcome.output == "robust_accuracy (pgd) ≥ 0.6  70.0% [65.0%, 75.0%]  \(verdict)\nverdict: \(verdict)\n")
  }

  @Test(
    "a job without a verdict ends gate by its state", arguments: [("failed", 1), ("cancelled", 4), ("running", 6)] as [(String, Int32)])
  func jobWithoutAVerdict(state: String, code: Int32) async throws {
    let server = try ScriptedServer([ScriptedServer.answer(status: "409 Conflict", "{}"), Self.job(state)])
    let outcome = try await Executable.run("gate", "job_00000000000000000000000001", "--server", server.url)
    #expect(outcome.code == code)
    #expect(outcome.errors.contains(state))
  }

  @Test("gate says of a job that makes images that it has no verdict, whether or not it has ended", arguments: ["running", "succeeded"])
  func gateOfImages(state: String) async throws {
    let job =
      #"{"id": "job_00000000000000000000000001", "state": "\#(state)", "terminal": \#(state == "succeeded"), "spec": {"kind": "generate"}}"#
    let server = try ScriptedServer([ScriptedServer.answer(status: "404 Not Found", "{}"), ScriptedServer.answer(job)])
    let outcome = try await Executable.run("gate", "job_00000000000000000000000001", "--server", server.url)
    #expect(outcome.code == 6)
    #expect(outcome.errors.contains("a job of kind generate makes images"), "\(outcome.errors)")
  }

  @Test("gate of a job that is not there ends with the server's word") func gateOfNoJob() async throws {
    let missing = ScriptedServer.answer(
      status: "404 Not Found", headers: ["Content-Type: application/problem+json"],
      #"{"detail": "There is no job_00000000000000000000000001."}"#)
    let server = try ScriptedServer([missing, missing])
    let outcome = try await Executable.run("gate", "job_00000000000000000000000001", "--server", server.url)
    #expect(
      outcome.code == 2 && outcome.errors.contains("There is no job_00000000000000000000000001."), "\(outcome.code) \(outcome.errors)")
  }

  @Test(
    "report says why a job has none, and exits by how it ended",
    arguments: [("failed", 1), ("cancelled", 4), ("running", 6)] as [(String, Int32)])
  func noReport(state: String, code: Int32) async throws {
    let server = try ScriptedServer([ScriptedServer.answer(status: "409 Conflict", "{}"), Self.job(state)])
    let outcome = try await Executable.run("report", "job_00000000000000000000000001", "--server", server.url)
    #expect(outcome.code == code && outcome.output.isEmpty)
    #expect(outcome.errors.contains("the job is \(state) and has no report: a reason"), "\(outcome.errors)")
  }

  @Test("report takes another form as the server gives it, from its own path") func reportForms() async throws {
    for (format, path) in [("html", "report.html"), ("curve.svg", "report/curve.svg")] {
      let server = try ScriptedServer([ScriptedServer.answer("as it is")])
      let outcome = try await Executable.run("report", "job_00000000000000000000000001", "--format", format, "--server", server.url)
      #expect(outcome.code == 0 && outcome.output == "as it is")
      #expect(try #require(server.requests.first).hasPrefix("GET /v1/jobs/job_00000000000000000000000001/\(path) HTTP/1.1\r\n"))
    }
    #expect(try await Executable.run("report", "job_00000000000000000000000001", "--format", "pdf").code == 2)
  }

  @Test("a wait that takes too long ends with 5") func waitThatTakesToo() async throws {
    let server = try ScriptedServer([Self.events("retry: 60000\n\n")])
    let outcome = try await Executable.run("watch", "job_00000000000000000000000001", "--timeout", "0.5", "--server", server.url)
    #expect(outcome.code == 5)
    #expect(outcome.errors.contains("has not ended"))
  }
}
