import Attacks
import Foundation
import Models
import TensorEngine
import Testing
import Training

/// What holds for every method of the catalogue, as a run.
@Suite("A run by any method")
struct MethodRunTests {
  /// A method, with settings of its own where it has several ways.
  struct Row: Sendable, CustomTestStringConvertible {
    let method: TrainingMethod
    var on: String?

    var testDescription: String { [method.name, on].compactMap(\.self).joined(separator: " on ") }
  }

  static let rows = MethodCatalogue.all.map { Row(method: $0) } + [Row(method: .awp, on: "trades")]
  static let attacking = rows.filter { $0.method.attack != nil }

  /// With dropout, with batch norm where the network has it, and a third of each batch clean.
  private func run(_ row: Row, _ model: ModelDescription) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.model = model
    run.settings.method = row.method
    if let usual = row.method.attack?.usual { run.settings.attack = usual }
    if run.settings.attack["steps"] == 10 { run.settings.attack["steps"] = 2 }
    if row.method.field("replays") != nil { run.settings.methodSettings["replays"] = 2 }
    if let on = row.on { run.settings.methodSettings["on"] = .string(on) }
    return run
  }

  @Test(
    "leaves the same bytes on one thread and on two, in every precision that it takes", arguments: rows,
    [Blobs.convolutional, Blobs.normalized])
  func threads(_ row: Row, _ model: ModelDescription) throws {
    var digests: Set<String> = []
    let precisions = Precision.allCases.filter { row.method.takes($0) }
    for precision in precisions {
      let (one, two) = (try run(row, model), try run(row, model))
      for run in [one, two] { run.precision = precision }
      digests.insert(try one.run(threads: 1).selected.checkpoint.sha256)
      _ = try two.run(threads: 2)
      #expect(try one.files() == two.files())
    }
    // A precision of the attack alone makes no difference where nothing is attacked.
    #expect(digests.count >= precisions.count - 1)
  }

  @Test(
    "leaves the same bytes when it is stopped and resumed, on one thread and on two", arguments: rows,
    [Blobs.convolutional, Blobs.normalized])
  func resumed(_ row: Row, _ model: ModelDescription) throws {
    for statistics in BatchNormInAttack.allCases {
      func fresh() throws -> TemporaryRun {
        let fresh = try run(row, model)
        fresh.settings.batchNormInAttack = statistics
        return fresh
      }
      let whole = try fresh()
      let all = Interruption(after: .max)
      _ = try whole.run(threads: 1) { try all.ask() }
      // In the base stage or soon after it, amid the retraining, near the end.
      for (part, threads) in zip([0.4, 0.65, 0.9], [1, 2, 1]) {
        let broken = try fresh()
        let interruption = Interruption(after: Int(part * Double(all.questions)))
        #expect(throws: Interruption.Stopped()) { try broken.run(threads: 3 - threads) { try interruption.ask() } }
        _ = try broken.run(threads: threads, resume: true)
        #expect(try broken.files() == whole.files(), "\(statistics), stopped at \(part)")
      }
    }
  }

  @Test("learns what the mix leaves clean as standard training does", arguments: attacking)
  func fraction(_ row: Row) throws {
    let (none, standard) = (try run(row, Blobs.convolutional), try run(Row(method: .standard), Blobs.convolutional))
    none.settings.adversarialFraction = 0
    #expect(try none.run().selected.parameters.withValues(Array.init) == standard.run().selected.parameters.withValues(Array.init))
    // One example of an epoch is attacked, and that one alone learns otherwise.
    let (one, all) = (try run(row, Blobs.convolutional), try run(row, Blobs.convolutional))
    one.settings.adversarialFraction = 0.01
    all.settings.adversarialFraction = 1
    let losses = try [none, one, all].map { run in
      run.settings.epochs = 2
      return try #require(try run.run().history.last?.loss)
    }
    #expect(losses[0] < losses[2] && losses[0] != losses[1] && losses[1] < losses[2], "\(losses)")
  }

  @Test("moves each image as the norm has it, and on two threads as on one", arguments: attacking, [Norm.l2, .l1])
  func norms(_ row: Row, _ norm: Norm) throws {
    let (one, two) = (try run(row, Blobs.convolutional), try run(row, Blobs.convolutional))
    for run in [one, two] { run.threat = Threat(norm: norm, epsilon: norm == .l2 ? 0.4 : 1) }
    let outcome = try one.run(threads: 1)
    _ = try two.run(threads: 2)
    #expect(try one.files() == two.files())
    #expect(outcome.history.count == 4 && outcome.history.allSatisfy { $0.loss?.isFinite == true })
  }

  @Test("of second order is not begun in a precision that loses it", arguments: [TrainingMethod.gradalign, .inputGradient])
  func precision(_ method: TrainingMethod) throws {
    let refused = try run(Row(method: method), Blobs.linear)
    refused.precision = .bf16
    #expect(throws: TrainingError.unsuitable("the method \(method.name) does not learn in bf16")) { try refused.run() }
  }

  @Test("has the fingerprint of its settings, so that a state is resumed by no others", arguments: rows)
  func fingerprint(_ row: Row) throws {
    let plain = try run(row, Blobs.linear).training().fingerprint()
    for field in row.method.fields {
      let other = try run(row, Blobs.linear)
      other.settings.methodSettings[field.name] =
        switch field.name {
        case "on": row.on == nil ? "trades" : "pgd"
        case "replays", "warmup_epochs": 3
        case "bound_init": false
        default: 0.125
        }
      #expect(try other.training().fingerprint() != plain, "\(field.name)")
    }
  }
}
