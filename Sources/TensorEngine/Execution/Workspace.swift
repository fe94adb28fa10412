/// Memory that sessions share: what one left in a part of it is lost when another uses that part.
///
/// `@unchecked Sendable`: whoever owns the sessions uses those that overlap one at a time.
package final class Workspace: @unchecked Sendable {
  /// Where a session lies in a workspace, in bytes.
  package struct Place: Sendable {
    package let workspace: Workspace
    /// Of what the kernels want of the weights. Sessions with one offset overlap, and have it in turn.
    package let weights: Int
    /// Of the arena of the first lane.
    package let arenas: Int
    /// From one lane's arena to the next.
    package let pitch: Int

    package init(_ workspace: Workspace, weights: Int, arenas: Int, pitch: Int) {
      self.workspace = workspace
      self.weights = weights
      self.arenas = arenas
      self.pitch = pitch
    }
  }

  private let memory: Memory
  /// Whose weights are prepared at an offset now.
  private var tenants: [Int: ObjectIdentifier] = [:]

  package init(bytes: Int) { memory = Memory(bytes: bytes) }

  /// A part of it, from `offset` on.
  func part(at offset: Int, bytes: Int) -> UnsafeMutableRawPointer {
    precondition(offset + bytes <= memory.bytes, "a workspace of \(memory.bytes) bytes has none from \(offset) to \(offset + bytes)")
    return memory.base + offset
  }

  func isTaken(_ offset: Int, by session: Session) -> Bool { tenants[offset] == ObjectIdentifier(session) }
  func take(_ offset: Int, for session: Session) { tenants[offset] = ObjectIdentifier(session) }
}
