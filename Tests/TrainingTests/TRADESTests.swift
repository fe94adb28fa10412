import Foundation
import Models
import Robustness
import TensorEngine
import Testing
import Training

@Suite("TRADES")
struct TRADESTests {
  /// With dropout, with batch norm where asked for, and a third of each batch clean.
  private func mixedRun(_ model: ModelDescription) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.model = model
    run.settings.method = .trades
    return run
  }

  @Test("tells of clean and of adversarial examples, and counts each once in the loss")
  func tally() throws {
    let run = try mixedRun(Blobs.convolutional)
    run.settings.adversarialFraction = 1
    let metrics = try #require(try run.run().history.last)
    #expect(metrics.trainCleanAccuracy != nil && metrics.trainAdversarialAccuracy != nil)
    // The mean over examples that all learn cross-entropy alone is no mean over two predictions of each.
    let (standard, idle) = (try mixedRun(Blobs.linear), try mixedRun(Blobs.linear))
    standard.settings.method = .standard
    idle.settings.methodSettings["beta"] = 0
    idle.settings.adversarialFraction = 1
    let (a, b) = (try standard.run(), try idle.run())
    #expect(a.history.map(\.loss) == b.history.map(\.loss))
    #expect(a.selected.parameters.withValues(Array.init) == b.selected.parameters.withValues(Array.init))
  }

  @Test("learns what the mix leaves clean as standard training does")
  func fraction() throws {
    let (none, standard) = (try mixedRun(Blobs.convolutional), try mixedRun(Blobs.convolutional))
    none.settings.adversarialFraction = 0
    standard.settings.method = .standard
    #expect(try none.run().selected.parameters.withValues(Array.init) == standard.run().selected.parameters.withValues(Array.init))
    // One example of an epoch is attacked, and that one alone learns otherwise.
    let (one, all) = (try mixedRun(Blobs.convolutional), try mixedRun(Blobs.convolutional))
    one.settings.adversarialFraction = 0.01
    all.settings.adversarialFraction = 1
    let loss = try [none, one, all].map { try #require(try $0.run().history.last?.loss) }
    #expect(loss[0] < loss[1] && loss[1] < loss[2])
  }
}
