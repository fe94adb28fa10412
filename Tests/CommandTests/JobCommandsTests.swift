import Foundation
import JSON
import Jobs
import Testing

/// The commands that list, compare, repeat and change jobs, against a service.
@Suite("The commands of jobs") struct JobCommandsTests {
  /// A service with two jobs of one and of two epochs that have succeeded, the older first.
  private struct Bench {
    let service: LocalService
    let space: Workspace
    let jobs: [String]

    init() async throws {
      space = try Workspace()
      service = try await LocalService(in: space)
      var jobs: [String] = []
      for epochs in [1, 2] {
        let outcome = try await Executable.run(
          "submit", "-", "--set", "training.epochs=\(epochs)", "--set", "dataset.limit=200", "--name", "epochs \(epochs)", "--label",
          "branch=main",
          "--server",
          service.url, input: TinySpec.train(gate: 0.2))
        #expect(outcome.code == 0, "\(outcome.errors)")
        jobs.append(outcome.output.trimmingCharacters(in: .newlines))
      }
      self.jobs = jobs
      for job in jobs { #expect(try await Executable.run("watch", job, "--server", service.url).code == 0) }
    }

    func run(_ arguments: String...) async throws -> Executable.Outcome {
      try await Executable(arguments + ["--server", service.url]).end()
    }

    func json(_ arguments: String...) async throws -> JSONValue {
      try JSONValue(parsing: try await Executable(arguments + ["--json", "--server", service.url]).end().output)
    }
  }

  @Test("jobs are named by pieces of their ids, listed with their results, compared, repeated, exported and deleted")
  func wholeFlow() async throws {
    let bench = try await Bench()
    let (older, newer) = (bench.jobs[0], bench.jobs[1])
    #expect(Identifier.job.matches(newer), "the id stands alone on standard output")

    // Names of jobs.
    for reference in [
      newer, "latest", String(newer.suffix(8)), String(newer.dropFirst(4)), newer.uppercased().replacing("JOB_", with: "job_"),
    ] {
      #expect(try await bench.json("status", reference)["id"]?.string == newer, "\(reference)")
    }
    let ambiguous = try await bench.run("status", String(newer.prefix(6)))
    #expect(ambiguous.code == 2 && ambiguous.errors.contains(older) && ambiguous.errors.contains("give more of the id"))
    let none = try await bench.run("status", "nothing")
    #expect(none.code == 2 && none.errors.contains("temper list shows"), "\(none.errors)")

    // Results.
    let list = try await bench.run("list", "--label", "branch=main")
    #expect(list.output.contains("VERDICT") && list.output.contains("epochs 1") && list.output.contains("%"), "\(list.output)")
    #expect(try await bench.run("list", "--label", "branch=other").output.split(separator: "\n").count == 1)
    #expect(try await bench.run("status", newer).output.contains("  verdict   "))
    let log = try await bench.run("logs", newer).output
    #expect(log.contains("  succeeded") && log.contains("validation_robust_accuracy "), "\(log)")
    #expect(try await bench.run("logs", newer, "--follow").output == log)
    #expect(try await bench.run("logs", newer, "--follow", "--json").output == bench.run("logs", newer, "--json").output)
    #expect(try await bench.run("open", newer).output == "\(bench.service.url)/#/jobs/\(newer)\n")

    // Comparison.
    let comparison = try await bench.json("compare", older, "latest")
    #expect(
      comparison["spec"]?.elements?.compactMap { $0["pointer"]?.string }.contains("/training/epochs") == true, "\(comparison.serialised())")
    for test in ["clean_accuracy", "robust_accuracy"] {
      let counts = ["both", "gained", "lost", "neither"].compactMap { comparison["paired"]?[test]?[$0]?.integer }
      #expect(counts.reduce(0, +) == 100, "\(comparison.serialised())")
    }
    let same = try await bench.run("compare", older, older)
    #expect(same.output.contains("Their specs do not differ.") && same.output.contains("may be chance"), "\(same.output)")

    // Again, with another value.
    let again = try await bench.run("rerun", older, "--set", "threat.epsilon=8/255", "--wait")
    #expect(again.code == 0 && again.errors.contains("/threat/epsilon: 0.05 → 0.03"), "\(again.errors)")
    let wrong = try await bench.run("rerun", older, "--set", "evaluation.attacks.9.steps=3")
    #expect(wrong.code == 2 && wrong.errors.contains("--set evaluation.attacks.9.steps: 9 is no entry"), "\(wrong.errors)")

    // For TensorBoard.
    let exported = try await bench.run("export", older, newer, "--tensorboard", bench.space.path("board"))
    let files = exported.output.split(separator: "\n")
    #expect(files.count == 2 && files.allSatisfy { FileManager.default.fileExists(atPath: String($0)) }, "\(exported.errors)")

    // What goes.
    #expect(try await bench.run("delete", older).code == 0)
    let gone = try await bench.run("status", older, "--json")
    #expect(gone.code == 2)
    let problem = try JSONValue(parsing: gone.output)
    #expect(problem["status"] == 404 && problem["exit_code"] == 2)
    #expect(problem["detail"]?.string == "There is no job \(older). GET /v1/jobs lists those there are.")
    _ = try await bench.service.stop()
  }

  @Test("Ctrl-C while a command waits says that the job goes on, and how to come back") func leaving() async throws {
    let space = try Workspace()
    let service = try await LocalService(in: space)
    let waiting = try Executable(["submit", "-", "--wait", "--server", service.url], input: TinySpec.train(epochs: 50_000))
    #expect(try await waiting.says("epoch 1/"))
    waiting.send(SIGINT)
    let outcome = try await waiting.end()
    #expect(outcome.code != 0 && outcome.output.isEmpty)
    let job = try #require(outcome.errors.split(separator: "\n").first.map(String.init))
    #expect(
      outcome.errors.contains("the job goes on: temper watch \(job) follows it again, temper cancel \(job) ends it"), "\(outcome.errors)")
    #expect(try await Executable.run("pause", job, "--server", service.url).output.hasPrefix("\(job)  paus"))
    #expect(try await Executable.run("cancel", "latest", "--server", service.url).code == 0)
    _ = try await service.stop()
  }

  @Test("runs of this machine are compared by their folders, and a spec is checked without a run") func local() async throws {
    let space = try Workspace()
    for (name, epochs) in [("a", 1), ("b", 2)] {
      #expect(try await Executable.run("run", "-", "--out", space.path(name), input: TinySpec.train(epochs: epochs)).code == 6)
    }
    let outcome = try await Executable.run("compare", space.path("a"), space.path("b"))
    #expect(
      outcome.code == 0 && outcome.output.contains("/training/epochs") && outcome.output.contains("under all attacks"), "\(outcome.output)")

    let valid = try await Executable.run("validate", "-", "--json", input: TinySpec.train())
    let answer = try JSONValue(parsing: valid.output)
    #expect(valid.code == 0 && answer["spec"]?["training"]?["method"] == "pgd")
    let (expected, most) = (answer["estimate"]?["seconds"]?["expected"]?.double, answer["estimate"]?["seconds"]?["most"]?.double)
    #expect((expected ?? 0) > 0 && (most ?? 0) >= (expected ?? 1), "\(valid.errors)")

    let faulty = try await Executable.run("validate", "-", "--json", input: "{\n  \"dataset\": {\"id\": \"digits\"},\n  \"thraet\": {}}")
    let fault = try JSONValue(parsing: faulty.output)["errors"]?.elements?.first { $0["pointer"] == "/thraet" }
    #expect(faulty.code == 2 && fault?["line"] == 3 && fault?["column"] == 3, "\(faulty.output)")
  }
}
