import Synchronization

/// Programs by graph, purpose and precision. Jobs that train the same network share its kernels, and the check of a spec compiles what its
/// job will use.
///
/// Bounded: the least recently used programs are dropped. Sessions keep those that they use.
package final class ProgramCache: Sendable {
  private struct Key: Hashable {
    let graph: Graph
    let purpose: Purpose
    let isExact, isBF16: Bool
  }

  private let limit: Int
  /// From the least to the most recently used. Locked while a program is compiled, so that two jobs do not compile the same one.
  private let entries = Mutex<[(key: Key, program: Program)]>([])

  /// - Parameter limit: how many programs are remembered; a network in training has two or three.
  package init(limit: Int = 24) { self.limit = limit }

  /// - Throws: `KernelError` when the tensor library has no kernel for a shape.
  package func program(_ graph: Graph, for purpose: Purpose, isExact: Bool = false, isBF16: Bool = false) throws -> Program {
    let key = Key(graph: graph, purpose: purpose, isExact: isExact, isBF16: isBF16)
    return try entries.withLock { entries in
      let known = entries.firstIndex { $0.key == key }
      let program = try known.map { entries[$0].program } ?? Program(graph, for: purpose, isExact: isExact, isBF16: isBF16)
      if let known { entries.remove(at: known) }
      entries.append((key, program))
      entries.removeFirst(max(0, entries.count - limit))
      return program
    }
  }
}
