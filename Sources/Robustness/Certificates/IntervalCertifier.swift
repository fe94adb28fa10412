import Attacks
import TensorEngine

/// Certifies by interval bounds: an example for which no other class can reach the logit of its own, wherever in the box.
///
/// Rounding is part of the bounds. Every radius is widened by what summing may lose in single precision, in whatever order, both in the bounds and
/// in the network; the bounds themselves are computed by direct convolutions. See `Rounding`.
///
/// `@unchecked Sendable`: contexts reach tasks through `Engine.parallel(_:over:)` only, which gives each to one task at a time.
package final class IntervalCertifier: Certifier, @unchecked Sendable {
  package let settings = CertificateSettings.intervalBounds
  package let needsCorrectAnswer = true
  package let shardSize: Int
  package let passOperations: Int
  private let threat: Threat
  private let engine: Engine
  private let session: Session
  private let width: Int

  /// - Parameters:
  ///   - graph: of the network.
  ///   - width: how many threads may use it at once.
  /// - Throws: `GraphError` for a network without interval bounds, `KernelError` where the engine cannot compute them.
  package init(engine: Engine, graph: Graph, parameters: Parameters, threat: Threat, width: Int) throws {
    let width = min(max(1, width), engine.threads)
    let program = try Self.program(graph, programs: engine.programs)
    self.engine = engine
    self.threat = threat
    self.width = width
    shardSize = program.sharding.size
    passOperations = graph.floatingPointOperations
    session = try Session(program, parameters: parameters, contexts: width)
  }

  /// What it runs.
  package static func program(_ graph: Graph, programs: ProgramCache) throws -> Program {
    try programs.program(graph.bounds(for: .certificate), for: .inference, isExact: true)
  }

  package func forEachTask(_ count: Int, _ body: @Sendable (_ task: Int, _ worker: any CertifierWorker) throws -> Void) throws {
    try session.packWeights(on: engine, width: width)
    try engine.parallel(count, over: session.contexts) { [shardSize, threat] task, context in
      try body(task, Worker(context: context, shardSize: shardSize, threat: threat))
    }
  }

  private struct Worker: CertifierWorker {
    let context: ExecutionContext
    let shardSize: Int
    let threat: Threat

    func certify(_ examples: Examples, control: () throws -> Void, passed: (Int) -> Void) throws -> ShardRecord {
      var verified: [Bool] = []
      for first in stride(from: 0, to: examples.labels.count, by: shardSize) {
        try control()
        let rows = Array(first..<min(first + shardSize, examples.labels.count))
        let labels = rows.map { examples.labels[$0] }
        let worst = context.forward(
          examples.images.gathered(rows), bounds: BoundsQuestion(epsilon: Float(threat.epsilon), labels: labels))
        verified += labels.indices.map { row in
          // A bound that is no number proves nothing.
          worst[example: row].enumerated().allSatisfy { $0.offset == labels[row] || $0.element < 0 }
        }
        passed(2 * rows.count)
      }
      var record = ShardRecord(withstood: verified)
      record.cost.forwardPasses = 2 * verified.count
      return record
    }
  }
}
