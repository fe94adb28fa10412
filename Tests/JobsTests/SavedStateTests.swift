import Foundation
import Jobs
import Testing
import Training

/// Files that an earlier version saved: a linear network on the digits, cut off within its last evaluation.
@Suite struct SavedStateTests {
  private func folder(_ names: String...) throws -> TestFolder {
    let folder = try TestFolder()
    for name in names {
      let fixture = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: nil))
      try FileManager.default.copyItem(at: fixture, to: folder.url.appendingPathComponent(name))
    }
    return folder
  }

  @Test("a saved training of an earlier version is read, and is whole")
  func training() throws {
    let folder = try folder("resume.a.state")
    #expect(JobRunner.savedState(in: folder.url) == SavedState(step: 63, position: 123))
    #expect(try JobRunner.damagedStates(in: folder.url).isEmpty)
    #expect(TrainingRun.namedCheckpoints(in: folder.url).map(\.role.rawValue).sorted() == ["base", "best_clean", "best_robust", "last"])
  }

  @Test("a saved evaluation of an earlier version is read, is whole, and goes before the training that it follows")
  func evaluation() throws {
    let folder = try folder("resume.a.state", "evaluation.state")
    #expect(JobRunner.savedState(in: folder.url) == SavedState(step: 63, position: 140))
    #expect(try JobRunner.damagedStates(in: folder.url).isEmpty)
  }

  @Test("a changed byte of either file is damage that is named", arguments: ["resume.a.state", "evaluation.state"])
  func damage(_ name: String) throws {
    let folder = try folder(name)
    let url = folder.url.appendingPathComponent(name)
    var bytes = try Data(contentsOf: url)
    bytes[bytes.count - 100] ^= 1
    try bytes.write(to: url)
    let damaged = try JobRunner.damagedStates(in: folder.url)
    #expect(damaged.map(\.name) == [name])
    #expect(damaged.map(\.reason) == ["does not have the content that its digest is of"])
  }
}
