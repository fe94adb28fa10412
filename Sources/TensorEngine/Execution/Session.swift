/// A program bound to the parameters of one network, with one lane for each thread that may run it at once, or for each shard of a batch
/// where these have to meet.
///
/// `@unchecked Sendable`: `Engine.parallel` hands a lane to one task at a time; preparation and meetings come between such tasks, and their own tasks write disjoint parts.
package final class Session: @unchecked Sendable {
  package let program: Program
  private let place: Workspace.Place
  private let prepared: PreparedWeights
  private let board: Board
  private let lanes: [Lane]
  private var isStale = true

  /// - Parameters:
  ///   - lanes: how many threads may use the session at once, or the most shards of a batch.
  ///   - place: in memory that it shares with others; by default it has its own.
  package init(_ program: Program, parameters: Parameters, lanes: Int, in place: Workspace.Place? = nil) throws {
    precondition(parameters.layout == program.layout, "parameters of another network")
    let place = place ?? Self.ownPlace(program, lanes: lanes)
    let weights = place.workspace.part(at: place.weights, bytes: program.weightBytes)
    let prepared = try PreparedWeights(program, parameters, at: weights)
    let board = Board(program, parameters, at: weights + program.preparedBytes)
    self.program = program
    self.place = place
    self.prepared = prepared
    self.board = board
    self.lanes = try (0..<lanes).map { lane in
      try Lane(
        program, parameters: parameters, prepared: prepared, board: board, in: place.workspace, arena: place.arenas + lane * place.pitch)
    }
    ready()
  }

  private static func ownPlace(_ program: Program, lanes: Int) -> Workspace.Place {
    Workspace.Place(
      Workspace(bytes: bytes(program, lanes: lanes)), weights: 0, arenas: program.weightBytes, pitch: program.arenaBytes)
  }

  /// The bytes that a session with so many lanes takes: activations, what the kernels want of the weights, what meetings leave.
  package static func bytes(_ program: Program, lanes: Int) -> Int { program.weightBytes + lanes * program.arenaBytes }

  /// To be called after every change of the parameters: they are prepared for the kernels before the next use.
  package func refresh() { isStale = true }

  /// Prepares the present values of the parameters for the kernels, where they are not. To be called before every use, by whoever changes
  /// parameters or has the place in turn with others.
  package func ready() {
    guard isUnready else { return }
    for stage in prepared.stages { for step in stage { prepared.run(step) } }
    isReady()
  }

  /// The same, on several threads.
  package func ready(on engine: Engine, width: Int) throws { try Self.ready([self], on: engine, width: width) }

  /// The same for several sessions at once, none of which has its place in turn with another.
  package static func ready(_ sessions: [Session], on engine: Engine, width: Int) throws {
    let unready = sessions.filter(\.isUnready)
    for stage in 0..<(unready.map { $0.prepared.stages.count }.max() ?? 0) {
      let tasks = unready.flatMap { session in
        stage < session.prepared.stages.count ? session.prepared.stages[stage].map { (session, $0) } : []
      }
      try engine.parallel(tasks.count, width: width) { task, _ in tasks[task].0.prepared.run(tasks[task].1) }
    }
    for session in unready { session.isReady() }
  }

  private var isUnready: Bool { isStale || !place.workspace.isTaken(place.weights, by: self) }

  private func isReady() {
    place.workspace.take(place.weights, for: self)
    isStale = false
  }

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
    try pass(shards, on: engine, width: width, returns: true, begin, turn, end)
  }

  /// The same without the way back.
  package func forward(
    shards: Int, on engine: Engine, width: Int, begin: @Sendable (_ shard: Int, Lane) throws -> Void,
    end: @Sendable (_ shard: Int, Lane) -> Void
  ) throws {
    try pass(shards, on: engine, width: width, returns: false, begin, { _, _ in }, end)
  }

  private func pass(
    _ shards: Int, on engine: Engine, width: Int, returns: Bool, _ begin: @Sendable (_ shard: Int, Lane) throws -> Void,
    _ turn: @Sendable (_ shard: Int, Lane) -> Void, _ end: @Sendable (_ shard: Int, Lane) -> Void
  ) throws {
    precondition(shards <= lanes.count, "a shard of the batch has no lane")
    try ready(on: engine, width: width)
    let (there, back) = (board.forward.count, returns ? board.backward.count : 0)
    for stage in 0...there + back {
      // Nothing is to be done between meetings that follow one another.
      let isIdle = stage != 0 && stage != there && stage != there + back && lanes[0].isIdle(stage, turningAt: there)
      try engine.parallel(isIdle ? 0 : shards, width: width) { shard, _ in
        let lane = self[shard]
        if stage == 0 { try begin(shard, lane) }
        if stage <= there { lane.run(forward: stage) }
        if stage == there { turn(shard, lane) }
        if stage >= there, returns { lane.run(backward: stage - there) }
        if stage == there + back { end(shard, lane) }
      }
      if stage < there {
        try meet(shards, on: engine, width: width) { $0.forward[stage] }
      } else if stage < there + back {
        try meet(shards, on: engine, width: width) { $0.backward[stage - there] }
      }
    }
  }

  /// Lets the first `shards` lanes meet, part by part in parallel where there is much to put together.
  private func meet(_ shards: Int, on engine: Engine, width: Int, _ meeting: @Sendable (Board) -> Board.Place) throws {
    let part = 1 << 16
    let extent = meeting(board).extent
    guard extent > part else { return meeting(board)(Array(lanes[..<shards])) }
    try engine.parallel((extent + part - 1) / part, width: width) { task, _ in
      meeting(self.board)(Array(self.lanes[..<shards]), task * part..<min((task + 1) * part, extent))
    }
  }
}
