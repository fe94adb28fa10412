import Foundation
import Testing
import Training

@Suite("The detector of a collapse on published histories")
struct CollapseHistoriesTests {
  /// Twelve of the histories: raw and averaged weights that collapse at once, slowly, for a while, or not at all.
  private static func excerpt() throws -> [CollapseHistory] {
    let url = try #require(Bundle.module.url(forResource: "histories", withExtension: "json", subdirectory: "Fixtures/fastat"))
    return try CollapseHistory.read(url)
  }

  /// All 125.
  static let all: URL? = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let given = ProcessInfo.processInfo.environment["TEMPER_FASTAT_HISTORIES"].map { URL(filePath: $0) }
    let file = given ?? root.deletingLastPathComponent().appending(path: "shared/data/fastat-histories.json")
    return FileManager.default.fileExists(atPath: file.path) ? file : nil
  }()

  @Test("in an excerpt it finds each within two measurements, and no other")
  func excerpt() throws {
    let histories = try Self.excerpt()
    for history in histories {
      let found = history.found(on: 1000)
      for (begun, found) in [(history.collapse, found.raw), (history.averagedCollapse, found.averaged)] {
        if let begun {
          #expect(found.map((begun...begun + 2).contains) == true, "\(history.run)")
        } else {
          #expect(found == nil, "\(history.run)")
        }
      }
    }
    let score = CollapseScore(histories, on: 1000)
    #expect(score.collapses == 13 && score.healthy == 11)
  }

  /// Averages over as many samples: a single one moves by three points.
  private static let samples: UInt64 = 20

  @Test(
    "in all of them it finds each, also with the noise of a sample laid over",
    .enabled(if: all != nil, "no histories: TEMPER_FASTAT_HISTORIES names no file, and ../shared/data/fastat-histories.json is not there"))
  func everyHistory() throws {
    let histories = try CollapseHistory.read(try #require(Self.all))
    let exact = CollapseScore(histories, on: 1000)
    #expect(exact.collapses == 48 && exact.found == 48)
    #expect(exact.healthy == 197 && exact.mistaken == 0)
    for (count, found, mistaken) in [(1000, 0.97, 0.01), (144, 0.9, 0.03)] {
      let scores = (1...Self.samples).map { seed in
        CollapseScore(histories.enumerated().map { $1.sampled(count, seed: seed * 1000 + UInt64($0)) }, on: count)
      }
      let score = scores.dropFirst().reduce(scores[0], +)
      #expect(Double(score.found) >= found * Double(score.collapses), "\(count): \(score)")
      #expect(Double(score.mistaken) <= mistaken * Double(score.healthy), "\(count): \(score)")
    }
  }
}
