import Synchronization

/// An event on its way to many followers: what is sent is made of it once.
package final class LiveEvent: Sendable {
  package let event: JobEvent
  private let encoded = Mutex<[UInt8]?>(nil)

  init(_ event: JobEvent) { self.event = event }

  /// - Parameter encode: the same for every caller.
  package func bytes(_ encode: (JobEvent) -> [UInt8]) -> [UInt8] {
    encoded.withLock { known in
      let bytes = known ?? encode(event)
      known = bytes
      return bytes
    }
  }
}
