import CMalloc

/// What the allocator of glibc keeps.
enum ProcessMemory {
  /// Each thread that allocates gets an arena of its own, up to eight for each core, and what was freed in one stays there. Two arenas are
  /// enough for the threads that allocate at the same time, and what one thread frees another can use.
  static func keepSmall() { mallopt(M_ARENA_MAX, 2) }
}
