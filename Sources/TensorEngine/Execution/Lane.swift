/// The key of the random numbers of dropout: the same example in the same epoch drops the same values, in any batch.
package struct DropoutKey: Sendable {
  package let seed: UInt64
  package let epoch: Int
  /// The identity of each example of the shard.
  package let examples: [Int]

  package init(seed: UInt64, epoch: Int, examples: [Int]) {
    self.seed = seed
    self.epoch = epoch
    self.examples = examples
  }
}

/// What the loops of a program may ask about the pass that they are part of, where the shard passes as a whole: in portions it does only in
/// programs whose loops ask nothing.
struct LaneCall {
  /// The number of real examples in the shard; the rest is padding.
  let batch: Int
  let dropout: DropoutKey?
}

/// One thread's way through a program: an arena and the kernels bound to it.
package final class Lane {
  private let program: Program
  // The calls point into these, so the lane keeps them.
  private let parameters: Parameters
  private let prepared: PreparedWeights
  private let workspace: Workspace
  private let arena: UnsafeMutableRawPointer
  private let board: Board
  /// The passes, cut at the meetings.
  private var forwardStages: [[Passage]] = [[]]
  private var backwardStages: [[Passage]] = [[]]
  private var call = LaneCall(batch: 0, dropout: nil)
  /// Where the gradients of the weights go, as of the last `turn`.
  private var gradients: UnsafeMutablePointer<Float>?

  /// - Parameter arena: the offset of `program.arenaBytes` in the workspace.
  init(_ program: Program, parameters: Parameters, prepared: PreparedWeights, board: Board, in workspace: Workspace, arena: Int) throws {
    self.program = program
    self.parameters = parameters
    self.prepared = prepared
    self.board = board
    self.workspace = workspace
    self.arena = workspace.part(at: arena, bytes: program.arenaBytes)
    forwardStages = try stages(program.forward)
    backwardStages = try stages(program.backward)
  }

  // MARK: A shard by itself

  /// The logits `[batch, classes]` of up to a shard of images `[batch, height, width, channels]`; they are the whole batch where the
  /// program asks for its statistics.
  ///
  /// - Parameter dropout: needed by a training program with dropout in it.
  package func forward(_ images: Tensor, dropout: DropoutKey? = nil) -> Tensor {
    begin(images, dropout: dropout)
    runForward()
    return logits
  }

  /// The gradient at the images of the last `forward`, for a program that was compiled for an attack. Once per forward.
  ///
  /// - Parameters:
  ///   - logitGradient: `[batch, classes]`.
  ///   - inputGradient: `[batch, height, width, channels]`, overwritten.
  package func backward(_ logitGradient: Tensor, inputGradient: inout Tensor) {
    turn(logitGradient)
    runBackward()
    inputGradient.values.withUnsafeMutableBufferPointer { read(inputGradientTo: $0) }
  }

  /// The gradients of the weights for the images of the last `forward`, for a program that was compiled for training. Once per
  /// forward; `shard` of `gradients` is overwritten.
  package func backward(_ logitGradient: Tensor, into gradients: Gradients, shard: Int) {
    turn(logitGradient, into: gradients, shard: shard)
    runBackward()
  }

  /// All of the forward pass; the shard is the whole batch where the program asks for its statistics.
  package func runForward() {
    for stage in forwardStages.indices {
      run(forward: stage)
      if stage < board.forward.count { board.forward[stage]([self]) }
    }
  }

  package func runBackward() {
    for stage in backwardStages.indices {
      run(backward: stage)
      if stage < board.backward.count { board.backward[stage]([self]) }
    }
  }

  // MARK: A shard among others

  /// Takes the images of the next forward pass.
  package func begin(_ images: Tensor, dropout: DropoutKey? = nil) {
    precondition(
      images.batch <= program.shard.size && images.shape.example == program.graph.inputShape, "images \(images.shape) do not fit")
    call = LaneCall(batch: images.batch, dropout: dropout)
    fill(program.inputBuffer, with: images)
  }

  /// What the forward pass came to, `[batch, classes]`.
  package var logits: Tensor { read(program.logitsBuffer, program.graph.outputShape.batched(call.batch)) }

  /// Takes the gradient at the logits, `[batch, classes]`, for a backward pass.
  package func turn(_ logitGradient: Tensor) {
    guard let seed = program.logitGradientBuffer else { preconditionFailure("a program for \(program.purpose) takes no gradient") }
    precondition(logitGradient.batch == call.batch)
    fill(seed, with: logitGradient)
  }

  /// The same for the gradients of the weights, which go to `shard` of `gradients`, or to the only set where the shards meet.
  package func turn(_ logitGradient: Tensor, into gradients: Gradients, shard: Int) {
    precondition(program.purpose == .training, "a program for \(program.purpose) takes no gradients of weights")
    turn(logitGradient)
    let base = gradients.shard(program.hasMeetings ? 0 : shard)
    self.gradients = base
    for stage in backwardStages.indices {
      for index in backwardStages[stage].indices { backwardStages[stage][index].follow { base + program.layout.offsets[$0] } }
    }
  }

  /// The gradient at the images, `[batch, height, width, channels]`, after a backward pass.
  package var inputGradient: Tensor {
    guard let result = program.inputGradientBuffer else { preconditionFailure("a program for \(program.purpose) takes no such gradient") }
    return read(result, program.graph.inputShape.batched(call.batch))
  }

  /// Copies the gradient at the images, `[batch, height, width, channels]`.
  func read(inputGradientTo target: UnsafeMutableBufferPointer<Float>) {
    guard let result = program.inputGradientBuffer, let start = target.baseAddress else {
      preconditionFailure("a program for \(program.purpose) takes no gradient at the input")
    }
    precondition(target.count == call.batch * program.graph.inputShape.count)
    start.update(from: pointer(result), count: target.count)
  }

  /// The seconds that each instruction takes alone, at its best, forward and then backward, for a lane that shares its board with none.
  ///
  /// - Parameters:
  ///   - images: a full shard, the whole batch.
  ///   - gradients: takes the gradients of the weights of a training program.
  func timed(_ images: Tensor, gradients: Gradients?) -> [Double] {
    precondition(images.batch == program.shard.size, "\(images.batch) images are no full shard")
    begin(images, dropout: DropoutKey(seed: 0, epoch: 0, examples: Array(0..<program.shard.size)))
    let forward = timed(forwardStages, board.forward)
    guard program.purpose != .inference else { return forward }
    let shape = program.graph.outputShape.batched(program.shard.size)
    // Of both signs and of a usual size: zeros would be no work for some processors.
    let slope = Tensor(shape, values: (0..<shape.count).map { $0.isMultiple(of: 2) ? 0.01 : -0.01 })
    if let gradients { turn(slope, into: gradients, shard: 0) } else { turn(slope) }
    return forward + timed(backwardStages, board.backward)
  }

  private func timed(_ stages: [[Passage]], _ meetings: [Board.Place]) -> [Double] {
    var times: [Double] = []
    for stage in stages.indices {
      times += stages[stage].flatMap { $0.timed(call) }
      if stage < meetings.count { times.append(BestTime.of { meetings[stage]([self]) }) }
    }
    return times
  }

  /// Whether a stage of the pass has nothing to run; `turn` is the last forward and the first backward one.
  func isIdle(_ stage: Int, turningAt turn: Int) -> Bool {
    stage < turn ? forwardStages[stage].isEmpty : backwardStages[stage - turn].isEmpty
  }

  /// Where the gradient of a parameter goes.
  func gradient(of parameter: ParameterID) -> UnsafeMutablePointer<Float> {
    guard let gradients else { preconditionFailure("gradients of weights before the way back began") }
    return gradients + program.layout.offsets[parameter]
  }

  func run(forward stage: Int) { for passage in forwardStages[stage] { passage(call) } }
  func run(backward stage: Int) { for passage in backwardStages[stage] { passage(call) } }

  /// What the shard brings to a meeting.
  func share(_ meeting: Lowering.Meeting) -> Lowering.Meeting.Share { .init(pointer: pointer(meeting.share), batch: call.batch) }

  private func stages(_ instructions: [Lowering.Instruction]) throws -> [[Passage]] {
    try instructions.split(omittingEmptySubsequences: false) { $0.meeting != nil }.map { stage in
      try Lowering.Instruction.runs(stage).map { run in
        let parts = stage[run.lowerBound].parts
        return try Passage(stage[run], parts: parts) { resolve($0, part: $1, of: parts) }
      }
    }
  }

  private func pointer(_ buffer: Lowering.BufferID, part: Int = 0, of parts: Int = 1) -> UnsafeMutablePointer<Float> {
    (arena + program.offset(buffer, part: part, of: parts)).assumingMemoryBound(to: Float.self)
  }

  /// Copies a tensor to the front of a buffer for a whole shard and pads it with zeros.
  private func fill(_ buffer: Lowering.BufferID, with tensor: Tensor) {
    let target = pointer(buffer)
    tensor.values.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { target.update(from: start, count: source.count) }
    }
    (target + tensor.values.count).update(repeating: 0, count: program.shard.size * tensor.stride - tensor.values.count)
  }

  private func read(_ buffer: Lowering.BufferID, _ shape: Shape) -> Tensor {
    Tensor(shape, values: Array(UnsafeBufferPointer(start: pointer(buffer), count: shape.count)))
  }

  private func resolve(_ operand: Lowering.Operand, part: Int, of parts: Int) -> UnsafeMutableRawPointer {
    switch operand {
    case .buffer(let buffer): UnsafeMutableRawPointer(pointer(buffer, part: part, of: parts))
    case .weight(let parameter): UnsafeMutableRawPointer(parameters.memory.floats() + program.layout.offsets[parameter])
    case .prepared(let index): prepared.places[index]
    case .shared(let index): board.places[index]
    // Pointed at the shard's own place before each backward pass.
    case .gradient: arena
    }
  }
}
