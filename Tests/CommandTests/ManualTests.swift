import Foundation
import Testing
import temper

/// The pages that are made of the program, as they stand in the repository.
@Suite("The manual") struct ManualTests {
  private static func file(_ name: String) throws -> String {
    try String(contentsOf: Workspace.repository.appendingPathComponent(name), encoding: .utf8)
  }

  @Test("the page of the commands is what the commands say") func commands() throws {
    #expect(try Self.file("docs/command-line.md") == CommandPage.text, "print it anew: temper schema --commands > docs/command-line.md")
  }

  @Test("the page of the routes is what the contract says") func routes() throws {
    #expect(try Self.file("docs/api.md") == RoutePage.text(), "print it anew: temper schema --routes > docs/api.md")
  }

  @Test("the page for man begins as such pages do, and names every command") func manual() {
    #expect(ManualPage.text.hasPrefix(".TH TEMPER 1 "))
    for command in ["submit SPEC", "compare FIRST SECOND", "dataset upload PATH", "export JOBS …"] {
      #expect(ManualPage.text.contains(".SS temper \(command)"), "\(command)")
    }
  }

}
