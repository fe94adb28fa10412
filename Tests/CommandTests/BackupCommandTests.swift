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
}
