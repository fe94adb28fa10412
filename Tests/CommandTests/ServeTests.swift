import JSON
import Files
import Foundation
import Glibc
import Robustness
import Testing

/// Runs the built executable as the service and as its clients.
@Suite struct ServeTests {
  @Test("from a spec to the verdict and the weights") func fromASpec() async throws {
    let space = try Workspace()
    let service = try await LocalService(in: space)
    let spec = try space.write(TinySpec.train(gate: 0.2), to: "spec.json")

    let submitted = try await Executable.run("submit", spec, "--gate", "--json", "--server", service.url)
    #expect(submitted.code == 0, "\(submitted.errors)")
    let job = try JSONValue(parsing: submitted.output)
    let id = try #require({ if case .string(let id) = job["id"] { id } else { nil } }())
    #expect(job["state"] == "succeeded")
    #expect(job["report"]?["verdict"] == "pass")
    #expect(submitted.errors.hasPrefix(id + "\n"))
    #expect(submitted.errors.contains("epoch 2/2 retrain  loss "))

    let watched = try await Executable.run("watch", id, "--server", service.url)
    #expect(watched.code == 0)
    #expect(watched.output.contains("verdict: pass\n"))

    let status = try await Executable.run("status", id, "--server", service.url)
    #expect(status.output.hasPrefix("\(id)  succeeded  tiny\n"))

    let list = try await Executable.run("list", "--state", "succeeded", "--json", "--server", service.url)
    let listed = try JSONValue(parsing: list.output)
    #expect(listed["data"] == .array([job.without("report")]))

    let gate = try await Executable.run("gate", id, "--json", "--server", service.url)
    #expect(gate.code == 0)
    #expect(try JSONValue(parsing: gate.output)["verdict"] == "pass")

    let cancelled = try await Executable.run("cancel", id, "--server", service.url)
    #expect(cancelled.code == 2)
    #expect(cancelled.errors.contains("succeeded"))

    let downloaded = try await Executable.run("download", id, "-o", space.path("weights"), "--server", service.url)
    #expect(downloaded.code == 0, "\(downloaded.errors)")
    let digest = SHA256Digest.hex(of: try space.data("weights"))
    #expect(downloaded.output == "\(digest)  \(space.path("weights"))\n")
    #expect(job["report"]?["model"]?["sha256"] == .string(digest))

    let ended = try await service.stop()
    #expect(ended.code == 0)
    #expect(ended.output.isEmpty)
    for line in ended.errors.split(separator: "\n") { #expect(throws: Never.self) { try JSONValue(parsing: line.utf8) } }
  }

  @Test("a log that nobody reads keeps the service neither from answering nor from ending") func unreadLog() async throws {
    let space = try Workspace()
    let process = Process()
    process.executableURL = Executable.folder.appendingPathComponent("temper")
    process.arguments = ["serve", "--listen", "127.0.0.1:0", "--data", space.path("data"), "--port-file", space.path("port")]
    process.standardError = Pipe()
    try process.run()
    defer { kill(process.processIdentifier, SIGKILL) }
    func comes(_ condition: () -> Bool) async throws -> Bool {
      for _ in 0..<300 where !condition() { try await Task.sleep(for: .milliseconds(100)) }
      return condition()
    }
    try #require(try await comes { FileManager.default.fileExists(atPath: space.path("port")) })
    let port = String(decoding: try space.data("port"), as: UTF8.self).trimmingCharacters(in: .newlines)
    // More lines than a pipe holds.
    let asked = try await Executable(
      ["-s", "-o", "/dev/null", "-w", "%{http_code} ", "http://127.0.0.1:\(port)/healthz#[1-700]"], program: "/usr/bin/curl"
    ).end()
    #expect(asked.output == String(repeating: "200 ", count: 700))
    kill(process.processIdentifier, SIGTERM)
    #expect(try await comes { !process.isRunning })
  }

  @Test("what a server refuses ends with 2, every fault with its pointer") func whatAServerRefusesEnds() async throws {
    let space = try Workspace()
    let service = try await LocalService(in: space)
    let spec = #"{"dataset": {"id": "digits"}, "modle": 1, "model": {"architecture": "linear"}, "threat": {"norm": "linf", "epsilon": -1}}"#
    let outcome = try await Executable.run("submit", "-", "--server", service.url, input: spec)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("\n  /modle: "))
    #expect(outcome.errors.contains("\n  /threat/epsilon: "))
    let path = try await Executable.run(
      "submit", "-", "--server", service.url, input: TinySpec.train(dataset: #"{"path": "/etc", "format": "idx"}"#))
    #expect(path.code == 2)
    let unknown = try await Executable.run("status", "job_0", "--server", service.url)
    #expect(unknown.code == 2)
    let none = try await Executable.run("list", "--json", "--server", service.url)
    #expect(try JSONValue(parsing: none.output)["data"] == [])
    #expect(try await service.stop().code == 0)
  }

  @Test("a job that is cancelled ends the one who waits with 4") func jobThatIsCancelled() async throws {
    let space = try Workspace()
    let service = try await LocalService(in: space)
    let waiting = try Executable(["submit", "-", "--wait", "--server", service.url], input: TinySpec.train(epochs: 50_000))
    #expect(try await waiting.says("epoch 1/"))
    let list = try JSONValue(parsing: try await Executable.run("list", "--json", "--server", service.url).output)
    guard case .array(let jobs) = list["data"], case .string(let id) = jobs.first?["id"] else {
      Issue.record("the job is not listed")
      return
    }
    let early = try await Executable.run("gate", id, "--server", service.url)
    #expect(early.code == 6)
    let cancel = try await Executable.run("cancel", id, "--server", service.url)
    #expect(cancel.code == 0)
    #expect(try await waiting.end().code == 4)
    let late = try await Executable.run("gate", id, "--server", service.url)
    #expect(late.code == 4)
    #expect(try await service.stop().code == 0)
  }

  @Test("a service that is ended and started again goes on with its job, and so does the one who waits") func serviceThatIsEnded()
    async throws
  {
    let space = try Workspace()
    let first = try await LocalService(in: space)
    let port = String(first.url.split(separator: ":")[2])
    let waiting = try Executable(["submit", "-", "--wait", "--json", "--server", first.url], input: TinySpec.train(epochs: 300))
    #expect(try await waiting.says("epoch 3/"))
    #expect(try await first.stop().code == 0)
    let second = try Executable(["serve", "--listen", "127.0.0.1:\(port)", "--data", space.path("data")])
    #expect(try await second.says("\"message\":\"listening\""))
    let outcome = try await waiting.end()
    #expect(outcome.code == 0, "\(outcome.errors.suffix(500))")
    let job = try JSONValue(parsing: outcome.output)
    #expect(job["attempt"] == 2)
    #expect(job["state"] == "succeeded")
    second.send(SIGTERM)
    #expect(try await second.end().code == 0)
  }

  /// The shell that a limited process is started by: as another user where root has no limit of threads.
  private static func limited(_ limit: String, _ arguments: [String]) throws -> Executable {
    let shell = ["bash", "-c", "ulimit \(limit); exec \"$@\"", "bash", Executable.folder.appendingPathComponent("temper").path] + arguments
    let user = getuid() == 0 ? ["setpriv", "--reuid", "65534", "--clear-groups"] : []
    return try Executable(user + shell, program: "/usr/bin/env")
  }

  @Test("with too few threads the service ends with 2 and says so, before it touches anything", arguments: [3, 10, 20])
  func tooFewThreads(_ count: Int) async throws {
    let space = try Workspace()
    let process = try Self.limited("-u \(count)", ["serve", "--listen", "127.0.0.1:0", "--data", space.path("data"), "--threads", "2"])
    let outcome = try await process.end()
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("threads, but the system lets this process make only"), "\(outcome.errors)")
    #expect(!space.exists("data"))
  }

  @Test("two signals at once are an ordered stop, which is no crash of the running job") func twoSignals() async throws {
    let space = try Workspace()
    let settings = try space.write("fruitless_attempts: 0\n", to: "settings.yaml")
    // One batch that does not end: nothing is saved.
    let spec = """
      {"dataset": {"id": "digits"}, "model": {"architecture": "lenet"}, "threat": {"norm": "linf", "epsilon": 0.1},
       "training": {"method": "pgd", "base_epochs": 0, "epochs": 1, "batch_size": 65536, "attack": {"name": "pgd", "steps": 10000}},
       "evaluation": {"attacks": [{"name": "fgsm"}], "samples": 50, "curve": []}}
      """
    for attempt in 1...4 {
      let service = try await LocalService(in: space, "--config", settings)
      if attempt == 1 {
        let submitted = try await Executable.run("submit", "-", "--server", service.url, input: spec)
        #expect(submitted.code == 0, "\(submitted.errors)")
      }
      var state: JSONValue?
      for _ in 0..<100 where state != "running" && state != "failed" {
        let list = try JSONValue(parsing: try await Executable.run("list", "--json", "--server", service.url).output)
        if case .array(let jobs) = list["data"] { state = jobs.first?["state"] }
        try await Task.sleep(for: .milliseconds(50))
      }
      #expect(state == "running", "attempt \(attempt)")
      service.process.send(SIGTERM)
      if attempt.isMultiple(of: 2) { try await Task.sleep(for: .milliseconds(5)) }
      service.process.send(SIGINT)
      #expect([0, 128 + SIGINT, 128 + SIGTERM].contains(try await service.process.end().code))
    }
  }

  @Test("the example of the settings is what the service starts with, options come first, and a second owner of the data is refused")
  func exampleOfTheSettings()
    async throws
  {
    let space = try Workspace()
    let example = Workspace.repository.appendingPathComponent("config/temper.example.yaml").path
    let service = try await LocalService(in: space, "--config", example, "--threads", "1")
    let other = try await Executable.run("serve", "--listen", "127.0.0.1:0", "--data", space.path("data"))
    #expect(other.code == 2)
    #expect(other.errors.contains("another process is using the data directory"))
    #expect(try await service.stop().code == 0)
  }

  @Test(
    "wrong settings end serve with 2",
    arguments: [("workrs: 2\n", "workrs"), ("limits:\n  spec_bytes: many\n", "limits.spec_bytes"), ("listen: [1\n", "YAML")])
  func wrongSettingsEndServeWith2(text: String, word: String) async throws {
    let space = try Workspace()
    let file = try space.write(text, to: "temper.yaml")
    let outcome = try await Executable.run("serve", "--config", file, "--data", space.path("data"))
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains(word))
    #expect(!space.exists("data"))
  }

  @Test("the threads of the service share one heap beside the first: each of their own would keep what was freed in it") func heaps()
    async throws
  {
    let space = try Workspace()
    let service = try await LocalService(in: space)
    let submitted = try await Executable.run(
      "submit", try space.write(TinySpec.train(gate: 0.2), to: "spec.json"), "--gate", "--server", service.url)
    #expect(submitted.code == 0, "\(submitted.errors)")
    let maps = try String(contentsOfFile: "/proc/\(service.process.identifier)/maps", encoding: .utf8)
    // An arena of glibc's allocator begins at a multiple of 64 MiB, and what it does not use yet follows without access.
    let starts = maps.split(separator: "\n").filter { $0.contains(" rw-p 00000000 00:00 0") }
      .compactMap { $0.split(separator: "-").first.flatMap { UInt64($0, radix: 16) } }
    #expect(starts.count { $0.isMultiple(of: 64 << 20) } <= 1)
    #expect(starts.count > 5)
    _ = try await service.stop()
  }

  @Test("it refuses to listen where other machines reach it") func refusesToListen() async throws {
    let space = try Workspace()
    let outcome = try await Executable.run("serve", "--listen", "0.0.0.0:0", "--data", space.path("data"))
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("0.0.0.0"))
  }
}

extension JSONValue {
  /// The object without one of its members.
  fileprivate func without(_ key: String) -> JSONValue {
    guard case .object(var object) = self else { return self }
    object[key] = nil
    return .object(object)
  }
}
