import Attacks
import JSON
import Robustness

/// How a job of kind `generate` makes adversarial images.
package struct GenerationSection: Hashable, Sendable {
  package let attack: AttackSettings
  package let part: GeneratedPart

  /// How many images are attacked.
  func count(_ facts: DatasetFacts, limit: Int?) -> Int {
    (part.isTrain ? facts.trainCount(limit: limit) : 0) + (part.isTest ? facts.testCount : 0)
  }
}

/// Which part of a data set is attacked. The other one keeps its clean images.
package enum GeneratedPart: String, CaseIterable, Hashable, Sendable {
  case train, test, both

  var isTrain: Bool { self != .test }
  var isTest: Bool { self != .train }
}

extension GenerationSection {
  static var object: ObjectType {
    let single = AttackCatalogue.all.filter { $0.parts == nil }
    let sequences = AttackCatalogue.all.filter { $0.parts != nil }.map {
      ($0.name, "\($0.name) is for evaluations: a sequence of attacks; make images with one, such as pgd")
    }
    return ObjectType(
      "Generation", "How adversarial images are made.",
      fields: [
        Field(
          "attack",
          .object(
            AttackCatalogue.object(
              "Attack-in-generation", "The attack, by its name.", single, for: .evaluation, usual: AttackSettings(.pgd, ["steps": 40]),
              elsewhere: Dictionary(uniqueKeysWithValues: sequences))), default: [:],
          help:
            "The attack. Of each image the first misclassified one that it finds within epsilon is taken, where it finds none the one of "
            + "the highest loss; an image that is misclassified as it is stays as it is."),
        Field(
          "part", .choice(GeneratedPart.self), default: "both",
          help:
            "Which images are attacked: those of `train` (as many as `dataset.limit` says), of `test`, or of `both`. The other part of the "
            + "new data set has its clean images."),
      ])
  }

  init(_ values: FieldValues) {
    attack = AttackSettings(values.section("attack"))
    part = values.word("part")
  }
}

extension EvaluationSection {
  /// The work of a job that makes images, as an evaluation: one attack on all images.
  init(_ generation: GenerationSection) {
    self.init(
      attacks: [generation.attack], threats: [], budgetSeconds: 0, samples: .max, isAdaptive: true, order: .first, keepsEvidence: true,
      curve: [], certificate: nil, baseline: nil, baselineLabels: nil)
  }
}
