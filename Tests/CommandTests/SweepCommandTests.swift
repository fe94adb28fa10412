import Foundation
import JSON
import Testing

/// `temper sweep` against a running service.
@Suite struct SweepCommandTests {
  @Test("a job spec with fields to vary is swept, and --wait prints the table with the best") func table() async throws {
    let space = try Workspace()
    let service = try await LocalService(in: space)
    let outcome = try await Executable.run(
      "sweep", "-", "--vary", "seed=0,1", "--vary", "threat.epsilon=8/255", "--best", "clean_accuracy", "--wait", "--server", service.url,
      input: TinySpec.train())
    #expect(outcome.code == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines[0].hasPrefix("JOB ") && lines[0].contains("seed  threat.epsilon  CLEAN"))
    #expect(lines[1...2].allSatisfy { $0.contains("succeeded") && $0.contains("8/255") })
    #expect(lines[1...2].count { $0.hasSuffix("best") } == 1)
    #expect(lines[3].hasPrefix("best: job_"))
    #expect(outcome.errors.contains("2/2  job_"))
    _ = try await service.stop()
  }

  @Test("a sweep in a file is submitted as it is; its jobs and faults are told") func file() async throws {
    let space = try Workspace()
    let service = try await LocalService(in: space)
    let sweep = #"{"spec": \#(TinySpec.train()), "vary": {"seed": [0, 1, 2]}}"#
    let outcome = try await Executable.run("sweep", "-", "--json", "--server", service.url, input: sweep)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(try JSONValue(parsing: outcome.output)["jobs"]?.elements?.count == 3)
    let faulty = try await Executable.run("sweep", "-", "--vary", "sed=0,1", "--server", service.url, input: TinySpec.train())
    #expect(faulty.code == 2 && faulty.errors.contains("/vary/sed/0: ") && faulty.errors.contains("did you mean seed?"))
    let bare = try await Executable.run("sweep", "-", "--server", service.url, input: TinySpec.train())
    #expect(bare.code == 2 && bare.errors.contains("--vary FIELD=VALUES"))
    _ = try await service.stop()
  }

  @Test("a job that fails ends a sweep that is waited for with 1, one that takes too long with 5") func endings() async throws {
    let space = try Workspace()
    let service = try await LocalService(in: space)
    let failing = TinySpec.train(gate: 0.2, epochs: 50_000).replacing(#""gates""#, with: #""resources": {"max_seconds": 0.2}, "gates""#)
    let failed = try await Executable.run("sweep", "-", "--vary", "seed=0,1", "--wait", "--server", service.url, input: failing)
    #expect(failed.code == 1, "\(failed.errors)")
    #expect(failed.output.contains("best: none. No job has a report."))
    let late = try await Executable.run(
      "sweep", "-", "--vary", "seed=0,1", "--wait", "--timeout", "0.3", "--server", service.url, input: TinySpec.train(epochs: 50_000))
    #expect(late.code == 5, "\(late.errors)")
    _ = try await service.stop()
  }

  @Test("a job that has succeeded is extended from the command line") func extend() async throws {
    let space = try Workspace()
    let service = try await LocalService(in: space)
    let submitted = try await Executable.run("submit", "-", "--wait", "--json", "--server", service.url, input: TinySpec.train())
    let job = try #require(try JSONValue(parsing: submitted.output)["id"]?.string)
    let outcome = try await Executable.run(
      "extend", job, "--epochs", "2", "--schedule", "constant", "--learning-rate", "0.001", "--wait", "--json", "--server", service.url)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let extended = try JSONValue(parsing: outcome.output)
    #expect(extended["extended_from"]?.string == job && extended["progress"]?["epochs"] == 4)
    let refused = try await Executable.run("extend", job, "--epochs", "0", "--server", service.url)
    #expect(refused.code == 2 && refused.errors.contains("/epochs: "))
    _ = try await service.stop()
  }
}
