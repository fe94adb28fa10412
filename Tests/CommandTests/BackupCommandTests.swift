import Foundation
import Glibc
import JSON
import Testing

/// The commands of house-keeping against a real service.
@Suite("Backup, restore and retention as commands") struct BackupCommandTests {
  @Test("a running service is backed up, in full and since an earlier one, and a stopped one too; the copies are restored and whole")
  func roundTrip() async throws {
    let space = try Workspace()
    let service = try await LocalService(in: space)
    let spec = try space.write(
      """
      {"dataset": {"id": "digits", "limit": 100}, "model": {"architecture": "linear"}, "threat": {"norm": "linf", "epsilon": 0.1},
       "training": {"base_epochs": 0, "epochs": 1, "attack": {"name": "pgd", "steps": 1}},
       "evaluation": {"attacks": [{"name": "fgsm"}], "samples": 20, "curve": []}}
      """, to: "spec.json")
    #expect(try await Executable.run("submit", spec, "--wait", "--server", service.url).code == 0)
    let full = try await Executable.run("backup", space.path("full.tar"), "--server", service.url, "--json")
    #expect(full.code == 0, "\(full.errors)")
    let made = try JSONValue(parsing: full.output)
    #expect(made["jobs"] == 1 && made["left_out"] == 0 && !space.exists("full.tar.part"))
    let since = try await Executable.run("backup", space.path("next.tar"), "--since", space.path("full.tar"), "--server", service.url)
    #expect(since.code == 0 && since.output.contains("left out"), "\(since.errors)")
    let planned = try await Executable.run("retention", "--dry-run", "--server", service.url)
    #expect(planned.code == 0 && planned.output.hasPrefix("would go: 0"))
    let refused = try await Executable.run("backup", space.path("other.tar"), "--data", space.path("data"))
    #expect(refused.code == 2 && refused.errors.contains("another process is using"))
    _ = try await service.stop()
    #expect(try await Executable.run("backup", space.path("stopped.tar"), "--data", space.path("data")).code == 0)

    // What a new backup is to be restored with is never written over, whatever it is called.
    try FileManager.default.createSymbolicLink(atPath: space.path("link.tar"), withDestinationPath: "full.tar")
    try FileManager.default.copyItem(atPath: space.path("full.tar"), toPath: space.path("other.tar.part"))
    let before = try space.data("full.tar")
    for (file, since) in [
      ("full.tar", "full.tar"), ("link.tar", "full.tar"), ("full.tar", "link.tar"), ("other.tar", "other.tar.part"),
      ("full.tar", "next.tar"),
    ] {
      let over = try await Executable.run("backup", space.path(file), "--since", space.path(since), "--data", space.path("data"))
      #expect(over.code == 2 && over.errors.contains("written over"), "\(file) since \(since): \(over.errors)")
    }
    #expect(try space.data("full.tar") == before && space.exists("other.tar.part"))
    let both = try await Executable.run(
      "backup", space.path("third.tar"), "--since", space.path("full.tar"), "--since", space.path("next.tar"), "--data", space.path("data"),
      "--json")
    let (all, left) = (made["files"]?.integer ?? 0, try JSONValue(parsing: both.output)["left_out"]?.integer ?? 0)
    #expect(both.code == 0 && left >= all - 1, "\(both.output)")

    let lacking = try await Executable.run("restore", space.path("next.tar"), "--data", space.path("copy"))
    #expect(lacking.code == 1 && lacking.errors.contains("--since") && !space.exists("copy"))
    let restored = try await Executable.run(
      "restore", space.path("next.tar"), "--since", space.path("full.tar"), "--data", space.path("copy"))
    #expect(restored.code == 0 && restored.output.contains("1 job,"), "\(restored.errors)")
    #expect(try await Executable.run("fsck", "--data", space.path("copy")).output.contains("all whole"))
    let again = try await Executable.run("restore", space.path("stopped.tar"), "--data", space.path("copy"))
    #expect(again.code == 1 && again.errors.contains("not empty"))
    let none = try await Executable.run("restore", spec, "--data", space.path("third"))
    #expect(none.code == 1 && none.errors.contains("no backup") || none.errors.contains("tar archive"), "\(none.errors)")
  }

  @Test("a backup that lacks a damaged file is made, and the exit code and standard error say so", arguments: [false, true])
  func damagedFile(_ isRunning: Bool) async throws {
    let space = try Workspace()
    let service = try await LocalService(in: space)
    #expect(try await Executable.run("run", "-", "--out", space.path("out"), input: TinySpec.train()).code == 6)
    let weights = ["first", "second"].map { space.path("\($0).safetensors") }
    let checkpoints = try ["last", "base"].map { try space.data("out/checkpoints/\($0).safetensors") }
    for (path, content) in zip(weights, checkpoints) { try content.write(to: URL(fileURLWithPath: path)) }
    for path in weights { #expect(try await Executable.run("model", "upload", path, "--server", service.url).code == 0) }
    let files = space.url.appendingPathComponent("data/files")
    let stored = try FileManager.default.subpathsOfDirectory(atPath: files.path).filter { $0.utf8.count > 2 }
    try Data("other".utf8).write(to: files.appendingPathComponent(try #require(stored.first)))
    if !isRunning { _ = try await service.stop() }
    let from = isRunning ? ["--server", service.url] : ["--data", space.path("data")]
    let made = try await Executable(["backup", space.path("made.tar"), "--json"] + from).end()
    #expect(made.code == 1 && made.errors.contains("lacks a file that is damaged") && made.errors.contains("mdl_"), "\(made.errors)")
    #expect(try JSONValue(parsing: made.output)["damaged"]?.elements?.count == 1)
    let passed = try await Executable(["backup", "-"] + from, program: nil).end()
    #expect(passed.code == 1 && passed.errors.contains("lacks a file that is damaged"), "\(passed.errors)")
    #expect(try await Executable.run("restore", space.path("made.tar"), "--data", space.path("copy")).code == 0)
    if isRunning { _ = try await service.stop() }
  }
}
