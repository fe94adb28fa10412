/// Memory that sessions share. A session that uses a region overwrites what another left there.
///
/// `@unchecked Sendable`: the owner of the sessions uses those whose regions overlap one at a time.
package final class Workspace: @unchecked Sendable {
  /// The memory of a session in a workspace. Offsets are in bytes.
  package struct Allocation: Sendable {
    package let workspace: Workspace
    /// Of the packed weights. Sessions with the same offset run one after the other and pack again each time.
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
  /// The session whose packed weights are at each offset now.
  private var owners: [Int: ObjectIdentifier] = [:]

  package init(bytes: Int) { memory = Memory(bytes: bytes) }

  /// The region of `bytes` from `offset` on.
  func region(at offset: Int, bytes: Int) -> UnsafeMutableRawPointer {
    precondition(offset + bytes <= memory.bytes, "a workspace of \(memory.bytes) bytes has none from \(offset) to \(offset + bytes)")
    return memory.base + offset
  }

  func isOwned(_ offset: Int, by session: Session) -> Bool { owners[offset] == ObjectIdentifier(session) }
  func setOwner(_ offset: Int, for session: Session) { owners[offset] = ObjectIdentifier(session) }
}
