import Foundation
import JSON
import Testing
import Yams
import temper

/// The shell of `deploy/ci` and of `docs/ci.md`, as a pipeline runs it, against a running service.
@Suite struct PipelineTests {
  /// A pipeline of one kind: its scripts, one after the other, and what they are given.
  enum Pipeline: String, CaseIterable, CustomTestStringConvertible {
    case action = "deploy/ci/action.yml"
    case gitlab = "deploy/ci/gitlab.yml"

    var testDescription: String { rawValue }
  }

  /// A script with its variables, whose values may be expressions.
  private struct Script {
    let text: String
    let variables: [String: String]
    /// Whether it runs only under a condition.
    let isConditional: Bool
  }

  private static func yaml(_ path: String) throws -> [String: Any] {
    let text = try String(contentsOf: Workspace.repository.appendingPathComponent(path), encoding: .utf8)
    return try #require(try Yams.load(yaml: text) as? [String: Any])
  }

  private static func scripts(_ pipeline: Pipeline) throws -> [Script] {
    let document = try yaml(pipeline.rawValue)
    switch pipeline {
    case .action:
      let steps = try #require((document["runs"] as? [String: Any])?["steps"] as? [[String: Any]])
      return steps.map { step in
        Script(
          text: step["run"] as? String ?? "", variables: step["env"] as? [String: String] ?? [:], isConditional: step["if"] != nil)
      }
    case .gitlab:
      let job = try #require(document[".temper"] as? [String: Any])
      let lines = try #require(job["script"] as? [String])
      return [Script(text: lines.joined(separator: "\n"), variables: job["variables"] as? [String: String] ?? [:], isConditional: false)]
    }
  }

  private struct Ending {
    let code: Int32
    let errors: String
    /// What the steps of an action put out.
    let outputs: [String: String]
  }

  /// Runs the scripts that have no condition until one fails, in the folder of a checkout.
  private func run(_ pipeline: Pipeline, in space: Workspace, spec: String, server: String, timeout: String = "600") async throws -> Ending
  {
    let inputs = ["spec": spec, "server": server, "token": "", "timeout": timeout, "results": "temper-results"]
    var outputs: [String: String] = [:]
    var ending = Ending(code: 0, errors: "", outputs: [:])
    for script in try Self.scripts(pipeline) where !script.isConditional {
      let given = pipeline == .gitlab ? ["TEMPER_SPEC": spec, "TEMPER_SERVER": server, "TEMPER_TIMEOUT": timeout] : [:]
      var variables = script.variables.mapValues { value in
        value.replacing(/\${{ (?:inputs|steps\.submit\.outputs)\.([a-z]+) }}/) {
          inputs[String($0.output.1)] ?? outputs[String($0.output.1)] ?? ""
        }
      }
      variables.merge(given) { $1 }
      variables["PATH"] = Executable.folder.path + ":/usr/bin:/bin"
      if pipeline == .action {
        variables["GITHUB_OUTPUT"] = space.path("output")
        variables["GITHUB_STEP_SUMMARY"] = space.path("summary")
        variables["GITHUB_WORKSPACE"] = space.url.path
      } else {
        variables["CI_PROJECT_DIR"] = space.url.path
      }
      let outcome = try await Executable(
        ["-c", "cd \"$1\" || exit; shift; eval \"$1\"", "bash", space.url.path, script.text], program: "/bin/bash", environment: variables
      ).end()
      let lines = (try? String(decoding: space.data("output"), as: UTF8.self)) ?? ""
      for line in lines.split(separator: "\n") {
        let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
        if parts.count == 2 { outputs[parts[0]] = parts[1] }
      }
      ending = Ending(code: outcome.code, errors: outcome.errors, outputs: outputs)
      if outcome.code != 0 { break }
    }
    return ending
  }

  private func text(_ space: Workspace, _ name: String) throws -> String { String(decoding: try space.data(name), as: UTF8.self) }

  @Test("a pipeline passes and fails by the verdict, and leaves JUnit, SARIF and the summary", arguments: Pipeline.allCases)
  func verdicts(pipeline: Pipeline) async throws {
    for (gate, code, verdict) in [(0.2, Int32(0), "pass"), (1, 3, "fail")] {
      let space = try Workspace()
      let service = try await LocalService(in: space)
      try space.write(TinySpec.train(gate: gate), to: "spec.json")
      let ending = try await run(pipeline, in: space, spec: "spec.json", server: service.url)
      #expect(ending.code == code, "\(ending.errors)")
      #expect(try text(space, "temper-results/junit.xml").contains("failures=\"\(code == 0 ? 0 : 1)\""))
      let log = try JSONValue(parsing: space.data("temper-results/temper.sarif"))
      let results = log["runs"]?.elements?.first?["results"]?.elements ?? []
      #expect(results.contains { $0["level"] == "error" } == (code != 0))
      #expect(
        results.allSatisfy { $0["locations"]?.elements?.first?["physicalLocation"]?["artifactLocation"]?["uri"] == "spec.json" })
      #expect(try text(space, "temper-results/report.md").hasPrefix("## tiny: \(verdict)\n"))
      if pipeline == .action {
        #expect(ending.outputs["verdict"] == verdict && ending.outputs["job"]?.hasPrefix("job_") == true)
        #expect(try text(space, "summary").hasPrefix("## tiny: \(verdict)\n"))
      }
      _ = try await service.stop()
    }
  }

  @Test("a job that fails, one that takes too long, and a spec that is refused each keep their own code", arguments: Pipeline.allCases)
  func endings(pipeline: Pipeline) async throws {
    let space = try Workspace()
    let service = try await LocalService(in: space)
    let limited = TinySpec.train(gate: 0.2, epochs: 50_000)
      .replacing(#""gates""#, with: #""resources": {"max_seconds": 0.5}, "gates""#)
    try space.write(limited, to: "limited.json")
    let failed = try await run(pipeline, in: space, spec: "limited.json", server: service.url)
    #expect(failed.code == 1, "\(failed.errors)")
    #expect(try text(space, "temper-results/junit.xml").contains("<error type=\"no_verdict\""))

    try space.write(TinySpec.train(gate: 0.2, epochs: 50_000), to: "endless.json")
    let late = try await run(pipeline, in: space, spec: "endless.json", server: service.url, timeout: "0.5")
    #expect(late.code == 5, "\(late.errors)")
    #expect(try text(space, "temper-results/junit.xml").contains("has no verdict yet"))

    try space.write("{}", to: "wrong.json")
    #expect(try await run(pipeline, in: space, spec: "wrong.json", server: service.url).code == 2)
    _ = try await service.stop()
    #expect(try await run(pipeline, in: space, spec: "limited.json", server: service.url).code == 5)
  }

  @Test("a pipeline that is cancelled cancels its job") func cancelled() async throws {
    let space = try Workspace()
    let service = try await LocalService(in: space)
    let submitted = try await Executable.run("submit", "-", "--server", service.url, input: TinySpec.train(epochs: 50_000))
    let job = submitted.output.trimmingCharacters(in: .newlines)
    let script = try #require(try Self.scripts(.action).first { $0.isConditional })
    let outcome = try await Executable(
      ["-c", script.text], program: "/bin/bash",
      environment: ["TEMPER_JOB": job, "TEMPER_SERVER": service.url, "PATH": Executable.folder.path + ":/usr/bin:/bin"]
    ).end()
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(try await Executable.run("watch", job, "--server", service.url).code == 4)
    _ = try await service.stop()
  }

  @Test("scripts stop at the first failure, have no pipe, and take nothing but variables", arguments: Pipeline.allCases)
  func safety(pipeline: Pipeline) throws {
    for script in try Self.scripts(pipeline) {
      #expect(script.text.hasPrefix("set -euo pipefail\n"))
      #expect(!script.text.contains("${{"))
      #expect(script.text.replacing("||", with: "").contains("|") == false)
    }
  }

  // MARK: The book's way without an executable

  private static let snippet: String? = {
    let text = (try? String(contentsOf: Workspace.repository.appendingPathComponent("docs/ci.md"), encoding: .utf8)) ?? ""
    return text.components(separatedBy: "```").first { $0.hasPrefix("sh\n") && $0.contains("jq -e '.verdict") }
      .map { String($0.dropFirst("sh\n".count)) }
  }()

  @Test(
    "the book's snippet with curl passes and fails by the verdict",
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/jq"), "jq is not installed"))
  func curl() async throws {
    let script = try #require(Self.snippet)
    let space = try Workspace()
    let service = try await LocalService(in: space)
    let failing = TinySpec.train(gate: 0.2, epochs: 50_000)
      .replacing(#""gates""#, with: #""resources": {"max_seconds": 0.5}, "gates""#)
    for (spec, passes) in [(TinySpec.train(gate: 0.2), true), (TinySpec.train(gate: 1), false), (failing, false), ("{}", false)] {
      try space.write(spec, to: "spec.json")
      let outcome = try await Executable(
        ["-c", "cd \"$1\" || exit; shift; eval \"$1\"", "bash", space.url.path, script], program: "/bin/bash",
        environment: ["TEMPER_SERVER": service.url]
      ).end()
      #expect((outcome.code == 0) == passes, "\(outcome.output) \(outcome.errors)")
    }
    _ = try await service.stop()
    #expect(
      try await Executable(["-c", script], program: "/bin/bash", environment: ["TEMPER_SERVER": service.url]).end().code != 0)
  }
}
