import Foundation

/// The memory of the machine, or of the part of it that the process was given.
package enum MachineMemory {
  /// Nine tenths of it, in bytes: the rest is the system's.
  package static var usable: Int { total / 10 * 9 }

  /// A container's limit (cgroup v2, "memory.max") counts where it is lower.
  private static var total: Int {
    let machine = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    guard let text = try? String(contentsOfFile: "/sys/fs/cgroup/memory.max", encoding: .utf8),
      let limit = Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
    else { return machine }
    return min(machine, limit)
  }
}
