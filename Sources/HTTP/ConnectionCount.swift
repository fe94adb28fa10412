import Synchronization

/// The number of open connections, in all and from each address.
package final class ConnectionCount: Sendable {
  private struct Counts {
    var all = 0
    var byHost: [String: Int] = [:]
  }

  private let mostPerAddress: Int
  private let exempt: [NetworkRange]
  private let counts = Mutex(Counts())

  /// - Parameter exempt: addresses without a limit of their own, beside those of this machine.
  package init(mostPerAddress: Int, exempt: [NetworkRange]) {
    self.mostPerAddress = mostPerAddress
    self.exempt = exempt
  }

  package var all: Int { counts.withLock { $0.all } }

  /// Counts a connection.
  /// - Returns: the number of all, and whether this address now has more than its limit.
  package func add(_ address: SocketAddress) -> (all: Int, isAddressFull: Bool) {
    let isCounted = isCounted(address.host)
    return counts.withLock { counts in
      counts.all += 1
      guard isCounted else { return (counts.all, false) }
      counts.byHost[address.host, default: 0] += 1
      return (counts.all, counts.byHost[address.host, default: 0] > mostPerAddress)
    }
  }

  package func remove(_ address: SocketAddress) {
    let isCounted = isCounted(address.host)
    counts.withLock { counts in
      counts.all -= 1
      guard isCounted, let count = counts.byHost[address.host] else { return }
      counts.byHost[address.host] = count > 1 ? count - 1 : nil
    }
  }

  private func isCounted(_ host: String) -> Bool { !NetworkRange.isLoopback(host) && !exempt.contains { $0.contains(host) } }
}
