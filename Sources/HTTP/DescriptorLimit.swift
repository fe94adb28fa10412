import Glibc

/// How many files and sockets the process may have open (RLIMIT_NOFILE).
package enum DescriptorLimit {
  /// Connections beyond the limit that are open for as long as it takes to tell them so.
  static let refusals = 64
  /// A server takes so many connections whatever the limit.
  static let fewestConnections = 16
  /// What a system without a limit has all the same (`fs.nr_open`).
  private static let most: rlim_t = 1 << 20

  package static var current: Int { number(limits().rlim_cur) }

  /// Raises the limit as far as the process is allowed to.
  /// - Returns: the limit from now on.
  @discardableResult
  package static func raise() -> Int {
    var limits = limits()
    let wanted = min(limits.rlim_max, most)
    if wanted > limits.rlim_cur {
      limits.rlim_cur = wanted
      setrlimit(resource, &limits)
    }
    return current
  }

  /// The connections that a server may have open at once: `configured`, or what `limit` descriptors leave for them without the `reserve`
  /// and the refusals.
  package static func connections(configured: Int, limit: Int, reserve: Int) -> Int {
    min(configured, max(fewestConnections, limit - max(0, reserve) - refusals))
  }

  private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

  private static func limits() -> rlimit {
    var limits = rlimit()
    // It fails for a wrong resource only; a limit of 0 is then the careful answer.
    getrlimit(resource, &limits)
    return limits
  }

  private static func number(_ limit: rlim_t) -> Int { Int(min(limit, rlim_t(Int.max))) }
}
