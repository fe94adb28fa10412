import Attacks
import TensorEngine

/// A network with the weights of one of its checkpoints.
package struct TrainedModel {
  package let graph: Graph
  package let parameters: Parameters
  package let checkpoint: Checkpoint

  /// The model as attacks and evaluations see it, on at most `threads` threads of the engine.
  package func team(on engine: Engine, threads: Int) throws -> NetworkTeam {
    try NetworkTeam(engine: engine, graph: graph, parameters: parameters, width: threads)
  }
}
