import Glibc

/// The number of files and sockets that the process may have open (RLIMIT_NOFILE).
package enum DescriptorLimit {
  /// Connections beyond the limit that may be open at a time, each for as long as its 503 takes.
  static let refusals = 64
  /// The connections that a server takes at least, however low the limit is.
  static let fewestConnections = 16
  /// The system's own maximum (`fs.nr_open`), used when the limit is "unlimited".
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

  /// The connections that a server may have open at once: `configured`, or fewer if `limit` descriptors minus `reserve` and `refusals` do
  /// not suffice.
  package static func connections(configured: Int, limit: Int, reserve: Int) -> Int {
    min(configured, max(fewestConnections, limit - max(0, reserve) - refusals))
  }

  private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

  private static func limits() -> rlimit {
    var limits = rlimit()
    // The call fails only for an invalid resource; a limit of 0 is then the safe value.
    getrlimit(resource, &limits)
    return limits
  }

  private static func number(_ limit: rlim_t) -> Int { Int(min(limit, rlim_t(Int.max))) }
}
