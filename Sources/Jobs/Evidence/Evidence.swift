import Attacks
import Foundation
import JSON

/// The evidence of an evaluation: a tar archive of what anyone needs to replay it on the same weights.
///
/// - `evidence.json`: the spec, the digests of model and data, the threat, the attacks, and the digest of the other member.
/// - `examples.npz`, which `numpy.load` reads. Of each example that was evaluated, in the order of their indices in the test part:
///   `evaluated_ids`, `evaluated_labels`, `evaluated_clean` (whether it is predicted correctly) and `evaluated_withstood`
///   `[attacks, examples]` (the same under each attack). Of each that is correct clean and fell to an attack, in the same order: `ids`,
///   `labels`, `images` and `originals` `[n] + image` as float32 in [0, 1], `predictions` (what the image is taken for, −1 for an answer
///   with a NaN), and `attacks` and `parts`, which attack found it first, and which part of it (−1 where it has none).
///
/// It holds no time and no id of a job, and depends on the spec alone: the same evaluation always gives the same bytes.
package enum Evidence {
  package static let fileName = "evidence.tar"
  static let description = "evidence.json"
  static let examples = "examples.npz"
  static let format = "temper-evidence"
  static let version = 1

  /// Where a run leaves it.
  package static func url(in directory: URL) -> URL { directory.appendingPathComponent(fileName) }

  /// Attacks with every setting, and so their parts.
  static func description(of attacks: [AttackSettings], in norm: Norm) -> JSONValue {
    .array(
      attacks.map { attack in
        let parts = (attack.parts(in: norm) ?? []).map { part -> JSONValue in
          ["label": .string(part.label), "settings": part.json(for: .evaluation)]
        }
        return ["label": .string(attack.label), "settings": attack.json(for: .evaluation), "parts": .array(parts)]
      })
  }
}
