/// The client behind proxies of ours. `X-Forwarded-For` grows from left to right, and a client may send any beginning of it, so it is read
/// from its end, as long as the addresses are those of proxies.
package enum ForwardedAddress {
  package static func client(of headers: HTTPFields, from address: SocketAddress, proxies: [NetworkRange]) -> SocketAddress {
    guard !proxies.isEmpty, proxies.contains(where: { $0.contains(address.host) }) else { return address }
    for hop in ASCII.list(headers[values: .forwardedFor]).reversed() {
      // What is no address ends the chain: whoever wrote it is not known.
      guard NetworkRange(hop) != nil, !hop.contains("/") else { return address }
      if !proxies.contains(where: { $0.contains(hop) }) { return SocketAddress(host: hop, port: 0) }
    }
    return address
  }
}
