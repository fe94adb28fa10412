import Attacks
import JSON
import TensorEngine

extension TrainingMethod {
  package static let awp = TrainingMethod(
    name: "awp",
    summary: """
      As pgd or trades, at weights that are perturbed to raise the loss: adversarial weight perturbation (Wu et al. 2020, arXiv:2004.05884).
      """,
    fields: [
      Field("on", .choice(AWP.Base.self), default: "pgd", help: "The method whose loss is learnt at the perturbed weights."),
      Field(
        "gamma", .number(0...1),
        help: "The length of the perturbation relative to that of each weight tensor; by default 0.01 on pgd and 0.005 on trades."),
      Field(
        "warmup_epochs", .integer(0...100_000),
        help: """
          Epochs of the method before the weights are perturbed; by default none on pgd, and on trades 10, or half of the epochs where these \
          are fewer than 20.
          """),
      Field("beta", .number(0...1_000), help: "On trades alone: the weight of the divergence, by default 6."),
    ],
    attack: MethodAttack(usual: AttackSettings(.pgd, ["steps": 10]), isOnly: true), adapting: adapted, conflicts: conflicts
  ) { AWP($0) }

  /// On `trades` the attack is that of TRADES.
  private static func adapted(_ attack: MethodAttack, _ settings: MethodSettings) -> MethodAttack {
    guard AWP.Base(settings) == .trades else { return attack }
    var attack = attack
    attack.aim = .divergence
    attack.start = attack.start ?? MethodAttack.smallNoise
    return attack
  }

  private static func conflicts(_ settings: TrainingSettings) -> [Conflict] {
    var conflicts: [Conflict] = []
    let values = settings.methodSettings
    if values["beta"] != nil, AWP.Base(values) == .pgd {
      conflicts.append(Conflict("beta", "beta weighs the divergence of trades; leave it out, or set on to trades"))
    }
    if let warmup = values["warmup_epochs"]?.integer, settings.epochs > 0, warmup >= settings.epochs {
      conflicts.append(
        Conflict("warmup_epochs", "in \(settings.epochs) epochs the weights would never be perturbed; give fewer than these"))
    }
    return conflicts
  }
}

/// Adversarial weight perturbation (Wu et al. 2020, arXiv:2004.05884): the loss of another method, whose gradient is taken at weights that
/// were moved along the gradient of the same loss on the same examples.
struct AWP: Objective {
  enum Base: String, CaseIterable {
    case pgd, trades

    init(_ settings: MethodSettings) { self = settings["on"]?.string.flatMap(Base.init) ?? .pgd }
  }

  private let loss: any Objective
  private let gamma: Double
  /// `nil`: as the authors' code has it for the method.
  private let warmup: Int?
  private let base: Base

  init(_ settings: MethodSettings) {
    base = Base(settings)
    loss = base == .pgd ? LossOfView(view: .adversarial) : TRADES(beta: settings["beta"]?.double ?? 6)
    gamma = settings["gamma"]?.double ?? (base == .pgd ? 0.01 : 0.005)
    warmup = settings["warmup_epochs"]?.integer
  }

  var views: [View] { loss.views }

  func callAsFunction(_ examples: ViewLogits, state: MethodState, gradients: inout [Tensor]) -> [Float] {
    loss(examples, state: state, gradients: &gradients)
  }

  func weightPerturbation(after done: Int, of epochs: Int) -> Double {
    done < warmup ?? (base == .pgd ? 0 : min(10, epochs / 2)) ? 0 : gamma
  }
}
