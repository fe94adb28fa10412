/// A program bound to the parameters of one network, with one lane for each thread that may run it at once, or for each shard of a batch
/// where these have to meet.
///
/// `@unchecked Sendable`: `Engine.parallel` hands a lane to one task at a time; `refresh` and meetings are between tasks.
package final class Session: @unchecked Sendable {
  package let program: Program
  private let prepared: PreparedWeights
  private let board: Board
  private let lanes: [Lane]

  /// - Parameter lanes: how many threads may use the session at once, or the most shards of a batch.
  package init(_ program: Program, parameters: Parameters, lanes: Int) throws {
    precondition(parameters.layout == program.layout, "parameters of another network")
    let prepared = try PreparedWeights(program, parameters)
    let board = Board(program, parameters)
    self.program = program
    self.prepared = prepared
    self.board = board
    self.lanes = try (0..<lanes).map { _ in try Lane(program, parameters: parameters, prepared: prepared, board: board) }
    refresh()
  }

  /// The bytes that a session with so many lanes takes: activations, what the kernels want of the weights, what meetings leave.
  package static func bytes(_ program: Program, lanes: Int) -> Int {
    lanes * program.arenaBytes + program.preparedBytes + program.shared.reduce(0) { $0 + Memory.aligned($1) }
  }

  /// Prepares the present values of the parameters for the kernels. To be called after every change of them.
  package func refresh() { prepared.refresh() }

  package subscript(lane: Int) -> Lane { lanes[lane] }

  /// Takes a whole batch forward and back, shard by shard in parallel, each in the lane of its number, and lets the shards meet where the
  /// program has them meet.
  ///
  /// - Parameters:
  ///   - shards: how many there are, at most as many as lanes.
  ///   - width: how many run at once.
  ///   - begin: gives a lane its images; what it throws ends the pass.
  ///   - turn: reads the logits and gives the lane their gradient.
  ///   - end: called when a shard is through.
  package func pass(
    shards: Int, on engine: Engine, width: Int, begin: @Sendable (_ shard: Int, Lane) throws -> Void,
    turn: @Sendable (_ shard: Int, Lane) -> Void, end: @Sendable (_ shard: Int, Lane) -> Void = { _, _ in }
  ) throws {
    precondition(shards <= lanes.count, "a shard of the batch has no lane")
    let (there, back) = (board.forward.count, board.backward.count)
    let all = Array(lanes[..<shards])
    for stage in 0...there + back {
      try engine.parallel(shards, width: width) { shard, _ in
        let lane = self[shard]
        if stage == 0 { try begin(shard, lane) }
        if stage <= there { lane.run(forward: stage) }
        if stage == there { turn(shard, lane) }
        if stage >= there { lane.run(backward: stage - there) }
        if stage == there + back { end(shard, lane) }
      }
      if stage < there { board.forward[stage](all) } else if stage < there + back { board.backward[stage - there](all) }
    }
  }
}
