/// The bytes that wait to be sent to the client, in order.
struct Output {
  private var segments: [[UInt8]] = []
  private var first = 0
  private var offset = 0
  /// The number of these bytes.
  private(set) var count = 0

  mutating func append(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    segments.append(bytes)
    count += bytes.count
  }

  /// Writes until nothing waits or the transport takes no more. Returns the number of bytes written, and why it ended early.
  mutating func flush(to transport: some Transport) -> (written: Int, end: TransportResult?) {
    var written = 0
    while first < segments.count {
      let result = segments[first].withUnsafeBytes { transport.write(UnsafeRawBufferPointer(rebasing: $0[offset...])) }
      guard case .bytes(let moved) = result else { return (written, result) }
      written += moved
      count -= moved
      offset += moved
      if offset == segments[first].count {
        segments[first] = []
        first += 1
        offset = 0
      }
    }
    segments.removeAll(keepingCapacity: true)
    first = 0
    return (written, nil)
  }

  mutating func removeAll() { self = Output() }
}
