import HTTP
import Testing

struct NetworkRangeTests {
  @Test(
    "a network has the addresses of its prefix",
    arguments: [
      ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("192.168.4.7", "192.168.4.7", true),
      ("192.168.4.7", "192.168.4.8", false), ("172.16.0.0/12", "172.31.255.255", true), ("172.16.0.0/12", "172.32.0.0", false),
      ("0.0.0.0/0", "8.8.8.8", true), ("0.0.0.0/0", "::1", false), ("fd00::/8", "fdab::1", true), ("fd00::/8", "fe80::1", false),
      ("::1", "0:0:0:0:0:0:0:1", true), ("10.0.0.0/8", "::ffff:10.1.2.3", true), ("10.0.0.0/8", "localhost", false),
    ])
  func contains(range: String, host: String, expected: Bool) throws {
    #expect(try #require(NetworkRange(range)).contains(host) == expected)
  }

  @Test(
    "what is no network is refused",
    arguments: ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "localhost", "+10.0.0.1", "010.0.0.1", "::1/129"])
  func refusals(text: String) { #expect(NetworkRange(text) == nil) }

  @Test(
    "this machine's own addresses are known",
    arguments: [
      ("127.0.0.1", true), ("127.255.0.9", true), ("::1", true), ("::ffff:127.0.0.1", true), ("128.0.0.1", false), ("+127.0.0.1", false),
      ("::2", false), ("localhost", false), ("127.0.0.1.evil.example", false),
    ])
  func loopback(host: String, expected: Bool) { #expect(NetworkRange.isLoopback(host) == expected) }
}
