/// Memory that sessions share: what one left in a part of it is lost when another uses that part.
///
/// `@unchecked Sendable`: whoever owns the sessions uses those that overlap one at a time.
package final class Workspace: @unchecked Sendable {
  /// Where a session lies in a workspace, in bytes.
  package struct Allocation: Sendable {
    package let workspace: Workspace
    /// Of what the kernels want of the weights. Sessions with one offset overlap, and have it in turn.
    package let weightsOffset: Int
    /// Of the arena of the first context.
    package let arenasOffset: Int
    /// From one context's arena to the next.
    package let arenaStride: Int

    package init(_ workspace: Workspace, weightsOffset: Int, arenasOffset: Int, arenaStride: Int) {
      self.workspace = workspace
      self.weightsOffset = weightsOffset
      self.arenasOffset = arenasOffset
      self.arenaStride = arenaStride
    }
  }

  private let memory: Memory
  /// Whose weights are packed at an offset now.
  private var owners: [Int: ObjectIdentifier] = [:]

  package init(bytes: Int) { memory = Memory(bytes: bytes) }

  /// A part of it, from `offset` on.
  func region(at offset: Int, bytes: Int) -> UnsafeMutableRawPointer {
    precondition(offset + bytes <= memory.bytes, "a workspace of \(memory.bytes) bytes has none from \(offset) to \(offset + bytes)")
    return memory.base + offset
  }

  func isOwned(_ offset: Int, by session: Session) -> Bool { owners[offset] == ObjectIdentifier(session) }
  func setOwner(_ offset: Int, for session: Session) { owners[offset] = ObjectIdentifier(session) }
}
