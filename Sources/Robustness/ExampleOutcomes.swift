import Files
import Foundation

/// Which examples an evaluation looked at, and what became of each.
package struct ExampleOutcomes: Hashable, Sendable {
  /// The index of each example in the test set, ascending.
  package let ids: [Int]
  /// Whether it is predicted correctly.
  package let clean: [Bool]
  /// The same under each attack of the evaluation, in their order.
  package let attacks: [[Bool]]

  package init(ids: [Int], clean: [Bool], attacks: [[Bool]]) {
    self.ids = ids
    self.clean = clean
    self.attacks = attacks
  }

  /// Whether it is predicted correctly under all attacks.
  package var robust: [Bool] { attacks.reduce(clean) { zip($0, $1).map { $0 && $1 } } }

  /// The SHA-256 of the ids in decimal, each on a line of its own.
  package static func digest(of ids: [Int]) -> String { SHA256Digest.hex(of: Data(ids.map { "\($0)\n" }.joined().utf8)) }
}
