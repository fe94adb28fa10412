#if canImport(Glibc)
  import Glibc
#endif

/// A run of bytes at a cache line's border, zero at first, freed with its owner.
final class Memory {
  static let alignment = 64

  let base: UnsafeMutableRawPointer
  let bytes: Int

  init(bytes: Int) {
    self.bytes = max(bytes, Self.alignment)
    base = UnsafeMutableRawPointer.allocate(byteCount: self.bytes, alignment: Self.alignment)
    base.initializeMemory(as: UInt8.self, repeating: 0, count: self.bytes)
  }

  deinit { base.deallocate() }

  func floats(at offset: Int = 0) -> UnsafeMutablePointer<Float> { (base + offset).assumingMemoryBound(to: Float.self) }

  static func aligned(_ bytes: Int) -> Int { (bytes + alignment - 1) / alignment * alignment }
}
