import Foundation
import Testing

import temper

@Suite struct SettingsTests {
  private let here = URL(fileURLWithPath: FileManager.default.currentDirectoryPath, isDirectory: true)

  @Test("the example names every setting, each with its default") func exampleNamesEverySetting() throws {
    let file = Workspace.repository.appendingPathComponent("config/temper.example.yaml")
    let text = try String(contentsOf: file, encoding: .utf8)
    let defaults = Settings().values
    #expect(try Set(SettingsDocument(text).keys) == Set(defaults.keys))
    #expect(try Settings(yaml: text, relativeTo: here).values == defaults)
  }

  @Test("every setting of the example stands below a comment") func everySettingOfTheExample() throws {
    let file = Workspace.repository.appendingPathComponent("config/temper.example.yaml")
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    var isExplained = false
    for line in lines {
      let text = line.drop { $0 == " " }
      if text.hasPrefix("#") { isExplained = true } else if text.isEmpty { isExplained = false } else { #expect(isExplained, "\(line)") }
    }
  }

  @Test("a file changes what it names and nothing else") func fileChangesWhat() throws {
    let text = "listen: \"[::1]:0\"\nthreads: 3\ntimeouts:\n  idle_seconds: 7.5\ndata: here\nlog_level: debug\n"
    var expected = Settings().values
    expected["listen"] = "[::1]:0"
    expected["threads"] = "3"
    expected["timeouts.idle_seconds"] = "7.5"
    expected["data"] = "/etc/temper/here"
    expected["log_level"] = "debug"
    #expect(try Settings(yaml: text, relativeTo: URL(fileURLWithPath: "/etc/temper", isDirectory: true)).values == expected)
    #expect(try Settings(yaml: "", relativeTo: here).values == Settings().values)
    #expect(try Settings(yaml: "# nothing\n", relativeTo: here).values == Settings().values)
  }

  @Test("all faults of a file come at once, with their lines") func allFaultsOfAFile() {
    let text = "workrs: 2\nworkers: 0\nlimits:\n  spec_bytes: many\n  jobs: 3\nlisten: 8080\ndrain_seconds: -1\n"
    #expect {
      try Settings(yaml: text, relativeTo: here)
    } throws: { error in
      guard let faults = (error as? SettingsError)?.faults, faults.count == 6 else { return false }
      return faults[0].hasPrefix("line 1: there is no setting workrs; known: connections.")
        && faults[1] == "line 2: workers must be from 1 to 1024, not \"0\""
        && faults[2] == "line 4: limits.spec_bytes must be a whole number, not \"many\""
        && faults[3].hasPrefix("line 5: there is no setting limits.jobs; known: limits.")
        && faults[4].hasPrefix("line 6: listen must be HOST:PORT") && faults[5].hasPrefix("line 7: drain_seconds must be")
    }
  }

  @Test(
    "HOST:PORT is read strictly",
    arguments: [
      ("127.0.0.1:8080", ListenAddress(host: "127.0.0.1", port: 8080)), ("localhost:0", ListenAddress(host: "localhost", port: 0)),
      ("[::1]:80", ListenAddress(host: "::1", port: 80)), ("::1:80", nil), ("8080", nil), (":80", nil), ("a:65536", nil), ("a:", nil),
    ]) func hostPORTIsReadStrictly(text: String, expected: ListenAddress?)
  {
    #expect(ListenAddress(text) == expected)
    if let expected { #expect(expected.description == text) }
  }
}
