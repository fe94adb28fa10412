import JSON
import Attacks
import Datasets
import Foundation
import Models
import Robustness
import TensorEngine

/// A spec held against the world: images exist, the network fits them, the weights fit the network.
package struct SpecCheck {
  private var catalogue: any Catalogue
  private let programs: ProgramCache
  private let threads: Int
  private let memoryBudget: Int?

  /// - Parameters:
  ///   - programs: keeps what is compiled to know its memory.
  ///   - threads: of the engine that jobs will run on.
  ///   - memoryBudget: the bytes that the process may take; a job that takes more is refused.
  package init(
    _ catalogue: any Catalogue, programs: ProgramCache = ProgramCache(), threads: Int = ProcessInfo.processInfo.activeProcessorCount,
    memoryBudget: Int? = nil
  ) {
    self.catalogue = catalogue
    self.programs = programs
    self.threads = threads
    self.memoryBudget = memoryBudget
  }

  /// A spec that can run, and what running it takes.
  package struct Accepted: Sendable {
    package let spec: JobSpec
    package let graph: Graph
    package let estimate: Estimate
    package let footprint: Footprint
    /// Why the evaluation runs these attacks.
    package let reasonForAttacks: String
    /// Why it trains so, where that was left open.
    let reasonForTraining: String?
    /// What is doubtful about it and can be seen before it runs.
    package let warnings: [Warning]
    /// Why batches pass in several parts, where that was not asked for.
    let reasonForParts: String?
    /// That the last layer begins anew, and why.
    let newLastLayer: String?

    /// What `validate_only` says of it.
    package var estimateJSON: JSONValue {
      guard case .object(var object) = estimate.json else { return estimate.json }
      object["peak_bytes"] = .int(Int64(footprint.peakBytes))
      object["evaluation"] = [
        "attacks": .array(spec.evaluation.attacks.map { .string($0.label) }), "seconds": .number(estimate.evaluationSeconds),
        "reason": .string(reasonForAttacks),
      ]
      if let reasonForParts {
        object["accumulate"] = ["parts": (spec.training?.accumulate).map { .int(Int64($0)) } ?? .null, "reason": .string(reasonForParts)]
      }
      if let reasonForTraining { object["training"] = ["reason": .string(reasonForTraining)] }
      if let newLastLayer { object["new_last_layer"] = .string(newLastLayer) }
      return .object(object)
    }
  }

  /// The same check against another catalogue.
  package func seeing(_ catalogue: any Catalogue) -> SpecCheck {
    var check = self
    check.catalogue = catalogue
    return check
  }

  /// Reads a document and checks everything that can be checked before a job runs.
  ///
  /// - Throws: `SpecFaults` with all faults at once.
  package func accept(_ document: JSONValue, origin: JobSpec.Origin = .http) throws(SpecFaults) -> Accepted {
    let restored = RestoredNetwork(pinned(document), catalogue)
    let recipe = TrainingRecipe(namedIn: restored.document)
    let document = TrainingRecipe.resolved(restored.document)
    let draft = JobSpec.read(document, origin: origin)
    let world = FaultLog(draft.faults)
    if let fault = restored.fault { world.add(fault.pointer, fault.code, fault.detail) }
    let facts = world.isClean("/dataset") ? facts(of: draft.spec, world)?.named(draft.spec, catalogue) : nil
    let graph = facts.flatMap { self.graph(of: draft.spec, $0, world) }
    let choice = AttackChoice(draft.spec, of: document, facts, graph)
    let usual = facts.flatMap { facts in graph.map { DefaultTraining(draft.spec, given: document["training"], facts, $0) } }
    let trained = world.isClean("/training") ? usual?.completed(document) ?? document : document
    let completed = EvidenceChoice.completed(choice.completed(trained), draft.spec, facts)
    let (spec, faults) = world.isClean("/evaluation") ? JobSpec.read(completed, origin: origin) : draft
    let log = FaultLog(faults + world.faults.dropFirst(draft.faults.count))
    if let graph {
      choice.check(graph, log)
      check(weights: spec.model.initial, at: "/model/init", graph, log, mayRenewLastLayer: spec.training != nil)
      check(weights: spec.evaluation.baseline, at: "/evaluation/baseline", graph, log)
      checkBatchNorm(of: spec, graph, log)
      spec.training?.check(graph.layout, log)
      BoundsCheck(spec: spec, graph: graph, log: log).checkAll()
    }
    checkLabels(of: spec, log)
    checkOrder(of: spec, log)
    if let facts { spec.training?.check(facts.shape, log) }
    if let facts { GateCheck(spec: spec, log: log).checkClasses(facts.classNames) }
    if let refusal = spec.precision.refusal(offered: Processor.precisions) { log.add("/precision", .notSupported, refusal) }
    guard log.faults.isEmpty, let facts, let graph, let (fitting, footprint) = fitted(spec, completed, origin, facts, graph, log) else {
      throw SpecFaults(log.faults)
    }
    return Accepted(
      spec: fitting, graph: graph, estimate: Estimate(fitting, facts, graph), footprint: footprint, reasonForAttacks: choice.reason,
      reasonForTraining: Self.joined(recipe?.meaning, usual?.reason), warnings: fitting.trainingWarnings(facts),
      reasonForParts: reasonForParts(of: fitting, asked: spec, graph), newLastLayer: newLastLayer(of: fitting, graph, facts))
  }

  private static func joined(_ sentences: String?...) -> String? {
    let given = sentences.compactMap(\.self)
    return given.isEmpty ? nil : given.joined(separator: " ")
  }

  /// The spec with its batches in as many parts as the memory asks for, where it does not say in how many.
  ///
  /// - Returns: nil when the job can never run, and then the reason was noted.
  private func fitted(
    _ spec: JobSpec, _ document: JSONValue, _ origin: JobSpec.Origin, _ facts: DatasetFacts, _ graph: Graph, _ log: FaultLog
  ) -> (JobSpec, Footprint)? {
    // The regulariser of interval bounds is of a whole batch.
    let isOpen = spec.training.map { $0.method.bounds == nil } ?? false && (document["training"]?["accumulate"] ?? .null) == .null
    let refusals = FaultLog()
    var (fitting, parts) = (spec, 1)
    let most = isOpen ? graph.sharding.count(min(spec.training?.batchSize ?? 1, spec.trainCount(facts))) : 1
    while true {
      let refusal = FaultLog()
      if let footprint = footprint(of: fitting, facts, graph, refusal) { return (fitting, footprint) }
      for fault in refusal.faults where refusals.faults.isEmpty { refusals.add(fault.pointer, fault.code, fault.detail) }
      parts *= 2
      guard parts < 2 * most, refusals.isClean("/model") else { break }
      fitting = JobSpec.read(document.setting("/training/accumulate", to: .int(Int64(parts))), origin: origin).spec
    }
    for fault in refusals.faults { log.add(fault.pointer, fault.code, fault.detail) }
    return nil
  }

  private func reasonForParts(of spec: JobSpec, asked: JobSpec, _ graph: Graph) -> String? {
    guard let memoryBudget, let training = spec.training, training.accumulate != asked.training?.accumulate else { return nil }
    let hasBatchNorm = training.batchNormStatistics == .update && graph.nodes.contains { $0.operation is BatchNorm }
    let meaning =
      hasBatchNorm
      ? "batch norm takes the statistics of each part, and the weights are others than those of whole batches"
      : "the weights are the same to the last bit"
    return """
      with whole batches of \(training.batchSize) the job would not fit into the \(megabytes(memoryBudget)) that this service may take, so the \
      gradients of \(training.accumulate) parts are added up; \(meaning)
      """
  }

  /// What there is to say of weights for other classes; nil when they are for those of the data set.
  private func newLastLayer(of spec: JobSpec, _ graph: Graph, _ facts: DatasetFacts) -> String? {
    guard spec.training != nil, let id = spec.model.initial, let last = LastLayer(graph),
      let outline = try? catalogue.outline(ofWeights: id), let other = last.otherClasses(of: outline)
    else { return nil }
    return Warning.newLastLayerDetail(last.names, classes: (other, facts.classes))
  }

  /// With the ids of weights in the place of names that may come to mean others.
  private func pinned(_ document: JSONValue) -> JSONValue {
    [("model", "init"), ("evaluation", "baseline")].reduce(document) { document, place in
      guard let given = document[place.0]?[place.1] else { return document }
      let id =
        given.string.map { try? catalogue.pinned($0) } ?? WeightLabels(given)?.labels.flatMap { try? catalogue.weights(labelled: $0) }
      return id.map { document.setting("/\(place.0)/\(place.1)", to: .string($0)) } ?? document
    }
  }

  private func checkOrder(of spec: JobSpec, _ log: FaultLog) {
    guard let before = spec.after, log.isClean("/after") else { return }
    let state = Identifier.job.matches(before) ? try? catalogue.state(ofJob: before) : nil
    if let fault = JobSpec.fault(following: before, in: state) { log.add(fault.pointer, fault.code, fault.detail) }
  }

  private func checkLabels(of spec: JobSpec, _ log: FaultLog) {
    guard spec.evaluation.baselineLabels != nil, log.isClean("/evaluation/baseline") else { return }
    log.add(
      "/evaluation/baseline", .notFound,
      "no job with these labels has succeeded here and left weights; give an id (mdl_…, ckpt_…), or run such a job first")
  }

  /// One value has no variance: batch norm makes it its bias whatever it was.
  private func checkBatchNorm(of spec: JobSpec, _ graph: Graph, _ log: FaultLog) {
    guard let training = spec.training, training.batchSize == 1, graph.hasSingleValueBatchNorm, log.isClean("/training/batch_size") else {
      return
    }
    log.add(
      "/training/batch_size", .conflict,
      "batch norm over a single image has one value for each channel, and nothing to normalise; must be at least 2 for this network")
  }

  /// - Returns: nil when the job can never run, and then the reason was noted.
  private func footprint(of spec: JobSpec, _ facts: DatasetFacts, _ graph: Graph, _ log: FaultLog) -> Footprint? {
    do {
      let footprint = try Footprint(spec, facts, graph, threads: threads, programs: programs)
      guard let memoryBudget, footprint.peakBytes > memoryBudget else { return footprint }
      log.add(
        "/training", .doesNotFit,
        """
        the job would take \(megabytes(footprint.peakBytes)) of memory at its peak, and this service may take \(megabytes(memoryBudget)): \
        choose a smaller batch_size, more parts of it (training.accumulate), a smaller network, fewer images or fewer threads
        """)
    } catch {
      log.add("/model", .doesNotFit, "\(error)")
    }
    return nil
  }

  private func megabytes(_ bytes: Int) -> String { "\((Double(bytes) / 1e6).rounded().formatted(.number.grouping(.never))) MB" }

  private func facts(of spec: JobSpec, _ log: FaultLog) -> DatasetFacts? {
    let pointer =
      switch spec.dataset.reference {
      case .id: "/dataset/id"
      case .path: "/dataset/path"
      }
    do {
      guard let facts = try catalogue.facts(of: spec.dataset.reference) else {
        log.add(pointer, .notFound, "there is no such data set; GET /v1/datasets lists those there are, digits is always there")
        return nil
      }
      if spec.training != nil { checkParts(spec, facts, log) }
      if spec.generation != nil { checkLimit(spec, facts, log) }
      return facts
    } catch {
      log.add(pointer, .doesNotFit, "\(error)")
      return nil
    }
  }

  private func checkParts(_ spec: JobSpec, _ facts: DatasetFacts, _ log: FaultLog) {
    let used = spec.trainCount(facts)
    let held = Double(used) * spec.dataset.validationFraction
    if spec.dataset.validationFraction > 0, facts.givenValidation == 0, held < 1 {
      log.add(
        "/dataset/validation_fraction", .outOfRange,
        "holds out less than one of the \(used) training images; take more images, a larger part, or 0 for none")
    }
  }

  /// A data set has as many classes as its training part: a class without a training image there would be none of the new one.
  private func checkLimit(_ spec: JobSpec, _ facts: DatasetFacts, _ log: FaultLog) {
    guard let limit = spec.dataset.limit, limit < facts.trainCount - facts.givenValidation else { return }
    let kept = stratifiedCounts(of: facts.trainPerClass, count: limit)
    let lost = zip(kept, facts.trainPerClass).count { $0 == 0 && $1 > 0 }
    guard lost > 0 else { return }
    log.add(
      "/dataset/limit", .outOfRange,
      """
      \(limit) training images, drawn with the share of each class kept, leave \(lost) of the \(facts.classes) classes without any, and the \
      new data set would lack them; \(smallestStratifiedSample(of: facts.trainPerClass)) are enough, or leave the limit out
      """)
  }

  private func graph(of spec: JobSpec, _ facts: DatasetFacts, _ log: FaultLog) -> Graph? {
    guard log.isClean("/model") else { return nil }
    do {
      return try spec.model.description.graph(input: facts.shape, classes: facts.classes)
    } catch {
      log.add("/model" + error.pointer, .doesNotFit, error.description)
      return nil
    }
  }

  /// - Parameter mayRenewLastLayer: whether weights for other classes will do.
  private func check(weights id: String?, at pointer: String, _ graph: Graph, _ log: FaultLog, mayRenewLastLayer: Bool = false) {
    guard let id, log.isClean(pointer) else { return }
    do {
      guard let outline = try catalogue.outline(ofWeights: id) else {
        log.add(
          pointer, .notFound, "there are no weights \(id.prefix(100)); give the id of an uploaded model (mdl_…) or of a checkpoint (ckpt_…)"
        )
        return
      }
      if mayRenewLastLayer, LastLayer(graph)?.otherClasses(of: outline) != nil { return }
      try outline.requireFit(graph.layout)
    } catch {
      log.add(pointer, .doesNotFit, "\(error)")
    }
  }
}
