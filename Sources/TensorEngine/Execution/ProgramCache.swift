import Synchronization

/// Programs by graph and purpose: jobs that train the same network share its kernels, and a spec that was checked is not compiled again
/// when its job begins.
///
/// Bounded: the programs that were asked for longest ago are forgotten; sessions keep those they use.
package final class ProgramCache: Sendable {
  private struct Key: Hashable {
    let graph: Graph
    let purpose: Purpose
    let isHalf: Bool
  }

  private let limit: Int
  /// From the one asked for longest ago to the latest. Held while a program is compiled, so that two jobs do not compile the same.
  private let entries = Mutex<[(key: Key, program: Program)]>([])

  /// - Parameter limit: how many programs are remembered; a network in training has two or three.
  package init(limit: Int = 24) { self.limit = limit }

  /// - Throws: `KernelError` when the tensor library has no kernel for a shape.
  package func program(_ graph: Graph, for purpose: Purpose, isHalf: Bool = false) throws -> Program {
    let key = Key(graph: graph, purpose: purpose, isHalf: isHalf)
    return try entries.withLock { entries in
      let known = entries.firstIndex { $0.key == key }
      let program = try known.map { entries[$0].program } ?? Program(graph, for: purpose, isHalf: isHalf)
      if let known { entries.remove(at: known) }
      entries.append((key, program))
      entries.removeFirst(max(0, entries.count - limit))
      return program
    }
  }
}
