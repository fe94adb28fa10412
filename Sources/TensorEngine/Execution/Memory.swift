#if canImport(Glibc)
  import Glibc
#endif

/// Bytes that begin at a cache line, zero at first, freed with their owner.
final class Memory {
  static let alignment = 64
  /// The size of a huge page. With small pages, reading a large matrix row by row spends its time on page table lookups.
  private static let hugePage = 2 << 20

  let base: UnsafeMutableRawPointer
  let bytes: Int

  init(bytes: Int) {
    self.bytes = max(bytes, Self.alignment)
    let isLarge = bytes >= Self.hugePage
    base = UnsafeMutableRawPointer.allocate(byteCount: self.bytes, alignment: isLarge ? Self.hugePage : Self.alignment)
    #if os(Linux)
      // A hint only: failure changes nothing.
      if isLarge { _ = madvise(base, self.bytes / Self.hugePage * Self.hugePage, Int32(MADV_HUGEPAGE)) }
    #endif
    base.initializeMemory(as: UInt8.self, repeating: 0, count: self.bytes)
  }

  deinit { base.deallocate() }

  func floats(at offset: Int = 0) -> UnsafeMutablePointer<Float> { (base + offset).assumingMemoryBound(to: Float.self) }

  /// The addresses of buffers of these sizes, one behind another.
  static func consecutive(_ sizes: [Int], from base: UnsafeMutableRawPointer) -> [UnsafeMutableRawPointer] {
    var next = base
    return sizes.map { bytes in
      defer { next += aligned(bytes) }
      return next
    }
  }

  static func aligned(_ bytes: Int) -> Int { (bytes + alignment - 1) / alignment * alignment }
}
