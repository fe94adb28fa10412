import CMalloc

/// What glibc's allocator keeps of what the process has freed.
package enum ProcessMemory {
  /// To be called at the start of a process that serves: each thread that allocates would get an arena of its own, up to eight for each
  /// core, and what was freed in one would stay there. Two are enough, and what one thread frees another can use.
  package static func shareArenas() { mallopt(M_ARENA_MAX, 2) }

  /// To be called when a job has ended: what it freed goes back to the system.
  package static func giveBack() { malloc_trim(0) }
}
