import JSON

/// A preset of training, `training.recipe`, in the place of a method: the method, and what belongs around it. The completed spec shows what
/// it stands for.
package enum TrainingRecipe: String, CaseIterable, Hashable, Sendable {
  /// A single step from noise, as cheap as an adversarial training can be that does not overfit to its attack.
  case fast
  /// Projected gradient descent.
  case strong

  /// What it stands for. Averaged weights belong to both: they keep what the last epochs of raw ones lose (Gowal et al. 2020,
  /// arXiv:2010.03593).
  private var members: JSONObject {
    let average: JSONValue = ["ema": 0.995]
    return switch self {
    case .fast: ["method": "nfgsm", "average": average]
    case .strong: ["method": "pgd", "average": average]
    }
  }

  /// The recipe that a document names; nil where it names none, or a method beside it, which is a fault.
  init?(namedIn document: JSONValue) {
    guard let name = document["training"]?["recipe"]?.string, (document["training"]?["method"] ?? .null) == .null else { return nil }
    self.init(rawValue: name)
  }

  /// The document with what its recipe stands for; members that are given stay.
  static func resolved(_ document: JSONValue) -> JSONValue {
    guard let recipe = TrainingRecipe(namedIn: document) else { return document }
    return recipe.members.members.reduce(document.setting("/training/recipe", to: nil)) { document, member in
      (document["training"]?[member.key] ?? .null) == .null ? document.setting("/training/\(member.key)", to: member.value) : document
    }
  }

  /// A sentence for whoever asks why it trains so.
  var meaning: String { "The recipe \(rawValue) is the method \(members["method"]?.string ?? "") with averaged weights." }

  static let field = Field(
    "recipe", .choice(TrainingRecipe.self), .alternative,
    help: """
      In the place of a method, a preset: `fast` is `nfgsm`, `strong` is `pgd`, both with `average: {"ema": 0.995}`; what else is given \
      stays. The completed spec shows what it stands for.
      """)
}
