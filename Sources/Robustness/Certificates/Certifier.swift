import Attacks
import TensorEngine

/// What certifies examples, several threads at once.
package protocol Certifier: Sendable {
  var settings: CertificateSettings { get }

  /// Whether only examples that the network itself classifies correctly can be certified.
  var needsCorrectAnswer: Bool { get }

  /// The examples that go through it at once.
  var shardSize: Int { get }

  /// Of a forward pass over one example.
  var passOperations: Int { get }

  /// Calls `body` for each task, with what certifies for one thread.
  func forEachTask(_ count: Int, _ body: @Sendable (_ task: Int, _ worker: any CertifierWorker) throws -> Void) throws
}

/// What certifies on one thread.
package protocol CertifierWorker {
  /// - Parameters:
  ///   - control: asked between passes; what it throws ends the work.
  ///   - passed: told of passes over single examples.
  /// - Returns: in `withstood`, whether each example is certified at the radius that a gate judges.
  func certify(_ examples: Examples, control: () throws -> Void, passed: (Int) -> Void) throws -> ShardRecord
}
