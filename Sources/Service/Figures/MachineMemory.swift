import Foundation

/// The memory of the machine, or of the container if that is less.
package enum MachineMemory {
  /// Nine tenths of it, in bytes. The rest is left to the system.
  package static var usable: Int { total / 10 * 9 }

  /// A container's limit (cgroup v2, "memory.max") applies if it is lower.
  private static var total: Int {
    let machine = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    guard let text = try? String(contentsOfFile: "/sys/fs/cgroup/memory.max", encoding: .utf8),
      let limit = Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
    else { return machine }
    return min(machine, limit)
  }
}
