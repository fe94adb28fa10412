import Attacks
import TensorEngine

/// Measures the accuracy of a model, clean and under attack.
///
/// An example that is misclassified clean counts as not robust, and is not attacked.
package struct Evaluator: Sendable {
  package var settings: EvaluationSettings
  package var threat: Threat

  package init(settings: EvaluationSettings, threat: Threat) {
    self.settings = settings
    self.threat = threat
  }

  /// - Parameters:
  ///   - journal: takes each finished shard. Shards of an earlier attempt at the same evaluation are not computed again. The result has
  ///     the same bits as without a break; only the seconds add up.
  ///   - images: takes for each example that an attack against `threat` fells the misclassified image that the first of them found. They
  ///     are written as shards end; a recorded shard whose images are gone is computed again.
  ///   - certifier: of the same model, where the settings ask for a certificate.
  ///   - control: called before each shard, each restart and each iteration of an attack, on any thread. An error that it throws ends the
  ///     evaluation and is rethrown.
  ///   - progress: called within and after each shard, on any thread.
  package func evaluate(
    _ team: any ClassifierTeam, on set: EvaluationSet, journal: EvaluationJournal = EvaluationJournal(model: ""),
    images: AdversarialImages? = nil, certifier: (any Certifier)? = nil, control: @escaping @Sendable () throws -> Void = {},
    progress: @escaping @Sendable (EvaluationProgress) -> Void = { _ in }
  ) throws -> Evaluation {
    var evaluator = self
    evaluator.settings.attacks = settings.attacks.map { $0.completed(forRandomised: team.isRandomised) }
    journal.begin(fingerprint: try EvaluationFingerprint(evaluator, journal.model, set, team).digest())
    images?.begin()
    return try evaluator.evaluate(
      EvaluationWork(
        team: team, set: set, seed: settings.seed, journal: journal, control: control,
        meter: EvaluationMeter(
          total: Int(Double(evaluator.units * set.count) * (1 + evaluator.settings.recheckShare))
            + set.count * (settings.certificate?.passes ?? 0), report: progress),
        images: images), certifier)
  }

  private func evaluate(_ work: EvaluationWork, _ certifier: (any Certifier)?) throws -> Evaluation {
    precondition(certifier?.settings == settings.certificate, "the settings say what is certified")
    let (observed, cleanCost) = try work.cleanOutcomes(repeated: settings.selfCheck ? CleanOutcomes.repeatedLimit : 0)
    let clean = observed.withstood
    // No attack runs on the others.
    work.meter.advance(by: clean.count { !$0 } * (units - 1), stage: "clean")
    let trials = try run(settings.attacks, against: threat, clean, work, keys: "attack", keepsImages: true)
    let further = try settings.threats.enumerated().map { number, other in
      try run(
        settings.attacks.map { $0.adapted(from: threat, to: other) }, against: other, clean, work, keys: "threat \(number) attack")
    }
    let drawn = try settings.attackedCurve(of: threat).map { try curveTrial(at: $0, clean, work) }
    let certified = try certifier.map { try work.certified(by: $0, against: threat, clean) }
    let still = try settings.selfCheck ? selfCheck(clean, work) : nil
    var cost = (trials + further.joined() + drawn + (still.map { [$0] } ?? [])).reduce(into: cleanCost) { $0 += $1.cost }

    let summary = EvaluationSummary(set: work.set, clean: clean)
    let own = summary.results(against: threat, trials)
    let points = curve(drawn: drawn, trials, clean)
    var rechecks = Rechecks(settings, robust: summary.robust(trials), spent: cost)
    let again = try rechecks.run(threat, input: work.team.inputShape) { try work.trial(of: $0, on: $1) }
    cost += again.spent
    work.meter.finish()
    let facts = EvaluationFacts(
      settings: settings, threat: threat, classes: own.perClass, clean: observed, trials: trials, points: points, still: still,
      rechecks: again.results)
    var evaluation = Evaluation(
      threat: threat, cleanAccuracy: Proportion(clean), attacks: own.attacks, worstCase: own.worstCase, perClass: own.perClass,
      worstClass: own.worstClass, curveAttack: points.contains { $0.epsilon > 0 } ? settings.curveAttack.label : nil, curve: points,
      gradientEvaluations: cost.gradientEvaluations, forwardPasses: cost.forwardPasses,
      seconds: work.journal.snapshot.stages.values.reduce(0) { $0 + $1.seconds },
      warnings: Diagnostic.warnings(facts))
    if let certified {
      evaluation.certificate = certified.certificate
      evaluation.forwardPasses += certified.certificate.forwardPasses
      let unsound = certified.verified.flatMap { Warning.unsoundCertificate($0, standing: summary.robust(trials)) }
      evaluation.warnings += [unsound].compactMap(\.self)
    }
    evaluation.confusion = Confusion(work.set, observed, trials)
    evaluation.outcomes = ExampleOutcomes(ids: work.set.ids, clean: clean, attacks: trials.map(\.withstood))
    if !further.isEmpty {
      evaluation.threats = zip(settings.threats, further).map { summary.results(against: $0, $1) }
      evaluation.unionOfThreats = Proportion(summary.robust(trials + further.joined()))
    }
    return evaluation
  }

  private func run(
    _ attacks: [AttackSettings], against threat: Threat, _ clean: [Bool], _ work: EvaluationWork, keys: String, keepsImages: Bool = false
  ) throws -> [AttackTrial] {
    try attacks.enumerated().map { number, attack in
      let name = threat == self.threat ? attack.label : "\(threat.norm.rawValue) \(threat.epsilon) \(attack.label)"
      let finder = keepsImages ? AdversarialImages.Finder(attack: number) : nil
      return try work.trial(of: attack, against: threat, standing: clean, .init(name: name, key: "\(keys) \(number)", finder: finder))
    }
  }

  // MARK: The curve

  /// Every example that is correct clean is attacked at every epsilon, also if a smaller epsilon sufficed to fool the model. Otherwise the
  /// curve could never rise, and a rise reveals an attack that fails.
  private func curveTrial(at epsilon: Double, _ clean: [Bool], _ work: EvaluationWork) throws -> AttackTrial {
    let title = "curve \(epsilon)"
    return try work.trial(
      of: settings.curveAttack.scaled(from: threat, to: epsilon), against: Threat(norm: threat.norm, epsilon: epsilon), standing: clean,
      .init(name: title, key: title))
  }

  /// - Parameter drawn: the trials that were run for the curve alone.
  private func curve(drawn: [AttackTrial], _ trials: [AttackTrial], _ clean: [Bool]) -> [Evaluation.AtEpsilon] {
    let begun = trials.map { $0.parts.first ?? $0 }.filter { $0.settings == settings.curveAttack }
    return Set(settings.curve).sorted().map { epsilon in
      let trial = (drawn + begun).first { $0.threat.epsilon == epsilon }
      var point = Evaluation.AtEpsilon(epsilon: epsilon, accuracy: trial?.accuracy ?? Proportion(clean))
      if epsilon == threat.epsilon, !trials.isEmpty { point.union = Proportion(EvaluationSummary.robust(clean, trials)) }
      return point
    }
  }

  // MARK: The self-check

  /// One step, which the projection at epsilon = 0 undoes.
  private static let idle = AttackSettings(.pgd, ["steps": 1, "step_size": 0.1, "random_start": false])

  private func selfCheck(_ clean: [Bool], _ work: EvaluationWork) throws -> AttackTrial {
    let unmoved = Threat(norm: threat.norm, epsilon: 0)
    return try work.trial(of: Self.idle, against: unmoved, standing: clean, .init(name: "self-check", key: "self-check"))
  }

  // MARK: Work

  /// The most passes over one example.
  private var units: Int {
    let attacks = settings.runs(against: threat) + (settings.selfCheck ? [(Self.idle, threat.norm)] : [])
    return 1 + attacks.reduce(0) { $0 + EvaluationWork.units($1.attack, in: $1.norm) }
  }
}
