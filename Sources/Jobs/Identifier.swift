import Foundation
import Synchronization

/// Ids with a prefix for the kind of resource, and 26 digits that sort by the time of creation: 48 bits of milliseconds since 1970 and 80
/// random bits, in Crockford's base 32 (lower case), as in the ULID specification (github.com/ulid/spec).
package enum Identifier: String, CaseIterable, Sendable {
  case job, dataset = "ds", model = "mdl", checkpoint = "ckpt", sweep = "swp", token = "tok", schedule = "sch", webhook = "whk"
  case delivery = "dlv"

  private static let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
  private static let last = Mutex<UInt128>(0)

  /// A new id, greater than all ids that this process made before.
  package func make(at time: Timestamp = .now) -> String {
    let fresh = UInt128(UInt64(max(0, time.milliseconds)) & 0xFFFF_FFFF_FFFF) << 80 | UInt128.random(in: 0..<(1 << 80))
    let value = Self.last.withLock { last in
      // Within the same millisecond, or after the clock was set back, the number after the last one.
      last = fresh > last ? fresh : last + 1
      return last
    }
    return rawValue + "_" + Self.encoded(value)
  }

  /// Makes all further ids greater than these, even if the clock was set back.
  package static func advance(beyond ids: [String]) {
    let values = ids.compactMap { id in Self.allCases.first { $0.matches(id) }.map { value(of: id.dropFirst($0.rawValue.count + 1)) } }
      // A damaged record may have an id that no clock gives; behind the greatest of all there is none.
      .filter { $0 < UInt128.max << 80 }
    last.withLock { last in last = max(last, values.max() ?? 0) }
  }

  private static func value(of body: Substring) -> UInt128 {
    body.utf8.reduce(0) { value, digit in value << 5 | UInt128(digits.firstIndex(of: digit) ?? 0) }
  }

  /// Whether `id` has the form of this kind's ids.
  package func matches(_ id: String) -> Bool {
    guard id.hasPrefix(rawValue + "_") else { return false }
    let body = id.dropFirst(rawValue.count + 1).utf8
    // 26 digits of 5 bits hold 130: the first digit is at most 7.
    return body.count == 26 && body.allSatisfy(Self.digits.contains) && body.first.map { $0 <= UInt8(ascii: "7") } == true
  }

  /// The same form as a regular expression, for schemas.
  package var pattern: String { "^\(expression)$" }

  /// Without the anchors, to stand among alternatives.
  package var expression: String { "\(rawValue)_[0-7][0-9abcdefghjkmnpqrstvwxyz]{25}" }

  private static func encoded(_ value: UInt128) -> String {
    let bytes = stride(from: 125, through: 0, by: -5).map { digits[Int(truncatingIfNeeded: value >> UInt128($0)) & 31] }
    return String(decoding: bytes, as: UTF8.self)
  }
}
