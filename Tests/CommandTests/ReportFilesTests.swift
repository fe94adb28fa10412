import Foundation
import JSON
import Robustness
import Testing
import temper

/// What `temper run` and `temper gate` leave for a CI system.
@Suite struct ReportFilesTests {
  private static func options(_ space: Workspace) -> [String] {
    ["--junit", space.path("junit.xml"), "--sarif", space.path("log.sarif"), "--markdown", space.path("report.md")]
  }

  private func text(_ space: Workspace, _ name: String) throws -> String { String(decoding: try space.data(name), as: UTF8.self) }

  private func firstResult(_ space: Workspace) throws -> JSONValue {
    let log = try JSONValue(parsing: space.data("log.sarif"))
    return try #require(log["runs"]?.elements?.first?["results"]?.elements?.first)
  }

  @Test("run leaves the verdict as JUnit, SARIF and Markdown, and adds to the summary of the step") func run() async throws {
    let space = try Workspace()
    // Its clean accuracy is neither 0 nor 1, so a bound of 1 is missed.
    let spec = try space.write(TinySpec.train(gate: 1), to: "a spec.json")
    try space.write("before\n", to: "summary")
    let outcome = try await Executable(
      ["run", spec, "--out", space.path("out")] + Self.options(space),
      environment: ["GITHUB_STEP_SUMMARY": space.path("summary"), "GITHUB_WORKSPACE": space.url.path]
    ).end()
    #expect(outcome.code == 3, "\(outcome.errors)")
    #expect(outcome.output == ReportTable(try Report(json: space.data("out/report.json"))).text)
    #expect(try text(space, "junit.xml").contains("failures=\"1\""))
    let markdown = try text(space, "report.md")
    #expect(markdown.hasPrefix("## tiny: fail\n"))
    #expect(try text(space, "summary") == "before\n" + markdown + "\n")
    let result = try firstResult(space)
    #expect(result["ruleId"] == "clean_accuracy")
    let place = result["locations"]?.elements?.first?["physicalLocation"]
    #expect(place?["artifactLocation"]?["uri"] == "a%20spec.json")
    #expect(place?["region"]?["startLine"] == 8)
  }

  @Test("a run that fails leaves that there is no verdict, in place of what an earlier one left") func failedRun() async throws {
    let space = try Workspace()
    try space.write("<testsuites/>", to: "junit.xml")
    let spec = TinySpec.train(epochs: 50_000).replacing(#""gates""#, with: #""resources": {"max_seconds": 0.5}, "gates""#)
    let outcome = try await Executable(["run", "-", "--out", space.path("out")] + Self.options(space), input: spec).end()
    #expect(outcome.code == 1)
    #expect(try text(space, "junit.xml").contains("<error type=\"no_verdict\" message=\"The job failed: the job took longer"))
    #expect(try text(space, "report.md").hasPrefix("## tiny: no verdict\n"))
    #expect(try firstResult(space)["ruleId"] == "no_verdict")
  }

  @Test("gate leaves that there is no verdict where a job has none, and where no server answers") func noVerdict() async throws {
    let space = try Workspace()
    let job =
      #"{"id": "job_00000000000000000000000001", "state": "failed", "terminal": true, "reason": "no memory", "finished_at": "2026-03-04T05:06:07.089Z"}"#
    let server = try ScriptedServer([ScriptedServer.answer(status: "409 Conflict", "{}"), ScriptedServer.answer(job)])
    let failed = try await Executable(["gate", "job_00000000000000000000000001", "--server", server.url] + Self.options(space)).end()
    #expect(failed.code == 1)
    #expect(try text(space, "junit.xml").contains("The job is failed: no memory; it has no verdict."))
    let lost = try await Executable(["gate", "job_00000000000000000000000001", "--server", "http://127.0.0.1:1"] + Self.options(space))
      .end()
    #expect(lost.code == 5)
    #expect(try text(space, "junit.xml").contains("Cannot reach the server"))
    #expect(try firstResult(space)["ruleId"] == "no_verdict")
  }

  @Test("a file that cannot be written ends with 2 and the option's name, and a spec that cannot be read before anything else")
  func unwritable() async throws {
    let space = try Workspace()
    let spec = try space.write(TinySpec.train(), to: "spec.json")
    let outcome = try await Executable.run("run", spec, "--out", space.path("out"), "--junit", space.path("no/such/folder/junit.xml"))
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("temper: --junit \(space.path("no/such/folder/junit.xml")) cannot be written: "))
    let gate = try await Executable.run(
      "gate", "job_00000000000000000000000001", "--spec", space.path("none.json"), "--server", "http://127.0.0.1:1")
    #expect(gate.code == 2)
  }

  @Test("a summary of the step that cannot be written is told, and changes no verdict") func unwritableSummary() async throws {
    let space = try Workspace()
    let outcome = try await Executable.run(
      "run", "-", "--out", space.path("out"), input: TinySpec.train(gate: 0.2),
      environment: ["GITHUB_STEP_SUMMARY": space.path("no/such/folder")])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("the summary of the step (GITHUB_STEP_SUMMARY) cannot be written"))
  }

  @Test("a report that cannot be read changes no verdict where only the summary wants it") func unreadableReport() async throws {
    let space = try Workspace()
    let verdict = ScriptedServer.answer(#"{"verdict": "fail", "gates": []}"#)
    let job = ScriptedServer.answer(#"{"id": "job_00000000000000000000000001", "state": "succeeded", "terminal": true}"#)
    let server = try ScriptedServer([verdict, job, ScriptedServer.answer("{}")])
    let summary = try await Executable.run(
      "gate", "job_00000000000000000000000001", "--server", server.url, environment: ["GITHUB_STEP_SUMMARY": space.path("summary")])
    #expect(summary.code == 3)
    #expect(summary.errors.contains("the summary of the step (GITHUB_STEP_SUMMARY) is not written"))
    let other = try ScriptedServer([verdict, job, ScriptedServer.answer("{}")])
    #expect(
      try await Executable.run("gate", "job_00000000000000000000000001", "--server", other.url, "--junit", space.path("junit.xml")).code
        == 5)
    #expect(try text(space, "junit.xml").contains("<error type=\"no_verdict\""))
  }

  @Test("a file is named from the root of its repository: the one that is declared, else the one with .git, else the current folder")
  func repositoryPath() throws {
    let space = try Workspace()
    let file = space.url.appendingPathComponent("checkout/ml models/a:b#1?é.json")
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    func uri(_ environment: [String: String]) -> String { RepositoryPath(of: file, environment: environment).uri }
    let name = "a%3Ab%231%3F%C3%A9.json"
    #expect(uri(["CI_PROJECT_DIR": space.url.path]) == "checkout/ml%20models/\(name)")
    #expect(uri(["GITHUB_WORKSPACE": file.deletingLastPathComponent().path, "CI_PROJECT_DIR": space.url.path]) == name)
    // Neither a repository nor the current folder holds it.
    #expect(uri(["GITHUB_WORKSPACE": "/elsewhere"]) == name)
    try FileManager.default.createDirectory(at: space.url.appendingPathComponent("checkout/.git"), withIntermediateDirectories: true)
    #expect(uri([:]) == "ml%20models/\(name)")
    #expect(uri(["GITHUB_WORKSPACE": "/elsewhere"]) == "ml%20models/\(name)")
  }
}
