import HTTP

/// Which addresses a webhook may be delivered to: whoever makes one must not reach through the service what only the service reaches.
struct WebhookNetworks: Sendable {
  /// Networks that may be delivered to though they are private.
  let allowed: [NetworkRange]

  init(_ allowed: [String]) { self.allowed = allowed.compactMap { NetworkRange($0) } }

  /// Asked of the very address that is connected to.
  func allows(_ address: SocketAddress) -> Bool {
    allowed.contains { $0.contains(address.host) } || !Self.special.contains { $0.contains(address.host) }
  }

  /// What is not globally reachable by the registries of special addresses (RFC 6890, iana.org/assignments/iana-ipv4-special-registry and
  /// -ipv6-), multicast, and the forms of IPv6 that carry an IPv4 address which a gateway would go on to.
  private static let special = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
    "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
  ].compactMap { NetworkRange($0) }
}
