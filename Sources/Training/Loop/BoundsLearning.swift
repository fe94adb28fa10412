import TensorEngine

/// The pass of interval bounds in training: its graph, and how its view is begun.
enum BoundsLearning {
  /// The program; `nil` where no view is one of bounds.
  static func program(_ graph: Graph, _ settings: TrainingSettings, programs: ProgramCache) throws -> Program? {
    guard settings.epochs > 0, settings.objective.views.contains(.bounds) else { return nil }
    let bounds = try graph.bounds(for: .training)
    precondition(bounds.sharding == graph.sharding, "bounds are computed shard by shard of the network")
    return try programs.program(bounds, for: .weightGradients)
  }
}

extension TrainingSettings {
  /// How the method learns from interval bounds, where it does. With an `adversarialFraction` of 0 one that attacks learns as standard training
  /// does.
  package var bounds: BoundsTraining? { method.attack == nil || adversarialFraction > 0 ? method.bounds?(methodSettings) : nil }

  /// How the first weights of a network are drawn.
  package func initialLayout(of graph: Graph) -> ParameterLayout {
    bounds?.initializes == true && epochs > 0 ? graph.layoutForBounds : graph.layout
  }

  /// Epochs at the start of the retraining that leave no best checkpoint.
  var risingEpochs: Int { bounds?.risingEpochs(of: epochs) ?? 0 }
}
