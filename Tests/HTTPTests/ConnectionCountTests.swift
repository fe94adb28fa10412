import HTTP
import Testing

struct ConnectionCountTests {
  @Test("connections of one address are counted apart, but for this machine's own and those of proxies") func perAddress() throws {
    let count = ConnectionCount(mostPerAddress: 2, exempt: [try #require(NetworkRange("10.0.0.0/8"))])
    func add(_ host: String) -> Bool { count.add(SocketAddress(host: host, port: 1)).isAddressFull }
    #expect([add("192.0.2.1"), add("192.0.2.1"), add("192.0.2.1"), add("192.0.2.2")] == [false, false, true, false])
    #expect((0..<5).allSatisfy { _ in !add("127.0.0.1") && !add("::1") && !add("10.1.2.3") })
    #expect(count.all == 19)
    count.remove(SocketAddress(host: "192.0.2.1", port: 9))
    count.remove(SocketAddress(host: "192.0.2.1", port: 9))
    #expect(!add("192.0.2.1") && add("192.0.2.1"))
    #expect(count.all == 19)
  }

  @Test(
    "the client behind proxies is the last address that is none of theirs",
    arguments: [
      ("203.0.113.9", "10.0.0.1", "203.0.113.9"), ("203.0.113.9, 10.0.0.2", "10.0.0.1", "203.0.113.9"),
      ("1.2.3.4, 203.0.113.9", "10.0.0.1", "203.0.113.9"), ("203.0.113.9", "192.0.2.1", "192.0.2.1"), ("", "10.0.0.1", "10.0.0.1"),
      ("unknown", "10.0.0.1", "10.0.0.1"), ("203.0.113.9, <script>", "10.0.0.1", "10.0.0.1"), ("2001:db8::7", "10.0.0.1", "2001:db8::7"),
    ])
  func forwarded(field: String, from: String, expected: String) throws {
    let headers: HTTPFields = field.isEmpty ? [:] : [.constant("X-Forwarded-For"): field]
    let client = ForwardedAddress.client(
      of: headers, from: SocketAddress(host: from, port: 1), proxies: [try #require(NetworkRange("10.0.0.0/8"))])
    #expect(client.host == expected)
  }
}
