/// Facts about the current pass, for kernels written in Swift.
struct PassFacts {
  /// The number of real examples in the shard; the rest is padding.
  let batch: Int
  let draws: DrawKey?
  /// What a program of interval bounds is asked.
  var bounds: BoundsQuestion?
  /// The micro-batch at work.
  var microBatch = 0

  /// The real ones among the `size` examples of the micro-batch.
  func examples(of size: Int) -> Int { min(max(batch - microBatch * size, 0), size) }
}

/// What one thread needs to run a program: an arena for activations, and the kernels bound to it.
package final class ExecutionContext {
  private let program: Program
  // The bound kernels point into these, so the context keeps them alive.
  private let parameters: Parameters
  private let packed: PackedWeights
  private let workspace: Workspace
  private let arena: UnsafeMutableRawPointer
  private let reductions: Reductions
  /// The passes, cut at the reductions.
  private var forwardStages: [[MicroBatchLoop]] = [[]]
  private var backwardStages: [[MicroBatchLoop]] = [[]]
  private var pass = PassFacts(batch: 0, draws: nil)
  /// The set that the gradients of the weights go to, given by the last `beginBackward`.
  private var gradients: UnsafeMutablePointer<Float>?

  /// - Parameter arena: the offset of `program.arenaBytes` in the workspace.
  init(_ program: Program, parameters: Parameters, packed: PackedWeights, reductions: Reductions, in workspace: Workspace, arena: Int)
    throws
  {
    self.program = program
    self.parameters = parameters
    self.packed = packed
    self.reductions = reductions
    self.workspace = workspace
    self.arena = workspace.region(at: arena, bytes: program.arenaBytes)
    forwardStages = try stages(program.forward)
    backwardStages = try stages(program.backward)
  }

  // MARK: A shard by itself

  /// The logits `[batch, classes]` of images `[batch, height, width, channels]`, at most a shard. Batch statistics, where the program uses
  /// them, are those of these images.
  ///
  /// - Parameters:
  ///   - draws: needed where the program draws random numbers.
  ///   - bounds: needed where the program computes interval bounds.
  package func forward(_ images: Tensor, draws: DrawKey? = nil, bounds: BoundsQuestion? = nil) -> Tensor {
    begin(images, draws: draws, bounds: bounds)
    runForward()
    return logits
  }

  /// The gradient at the images of the last `forward`, for a program with an input gradient and no weight gradients. Once per `forward`,
  /// because the backward pass overwrites the activations.
  ///
  /// - Parameters:
  ///   - logitGradient: `[batch, classes]`.
  ///   - inputGradient: `[batch, height, width, channels]` or more; overwritten from example `first` on.
  package func backward(_ logitGradient: Tensor, inputGradient: inout Tensor, at first: Int = 0) {
    beginBackward(logitGradient)
    runBackward()
    let values = first * inputGradient.stride..<(first + pass.batch) * inputGradient.stride
    inputGradient.values.withUnsafeMutableBufferPointer { read(inputGradientTo: UnsafeMutableBufferPointer(rebasing: $0[values])) }
  }

  /// The gradients of the weights for the images of the last `forward`, for a program with weight gradients. Once per `forward`; `set` of
  /// `gradients` is overwritten. Where the program has an input gradient too, `inputGradient` is it afterwards.
  package func backward(_ logitGradient: Tensor, into gradients: Gradients, set: Int) {
    beginBackward(logitGradient, into: gradients, set: set)
    runBackward()
  }

  /// The whole forward pass, with this shard as the whole batch for batch statistics.
  package func runForward() {
    for stage in forwardStages.indices {
      run(forward: stage)
      if stage < reductions.forward.count { reductions.forward[stage](self) }
    }
  }

  package func runBackward() {
    for stage in backwardStages.indices {
      run(backward: stage)
      if stage < reductions.backward.count { reductions.backward[stage](self) }
    }
  }

  // MARK: A shard among others

  /// Takes the images of the next forward pass.
  package func begin(_ images: Tensor, draws: DrawKey? = nil, bounds: BoundsQuestion? = nil) {
    precondition(
      images.batch <= program.sharding.size && images.shape.example == program.graph.inputShape, "images \(images.shape) do not fit")
    precondition(bounds.map { $0.labels.count == images.batch } ?? true, "every image has a class")
    pass = PassFacts(batch: images.batch, draws: draws, bounds: bounds)
    fill(program.inputBuffer, with: images)
  }

  /// The result of the forward pass, `[batch, classes]`.
  package var logits: Tensor { read(program.logitsBuffer, program.graph.outputShape.batched(pass.batch)) }

  /// Takes the gradient at the logits, `[batch, classes]`, for a backward pass.
  package func beginBackward(_ logitGradient: Tensor) {
    precondition(!program.purpose.contains(.weightGradients), "a program for \(program.purpose) needs memory for the gradients of weights")
    fill(logitGradient)
  }

  /// The same for the gradients of the weights, which go to `set` of `gradients`: to that of the first shard, and summed over all, where the
  /// shards of a batch have reductions.
  package func beginBackward(_ logitGradient: Tensor, into gradients: Gradients, set: Int) {
    precondition(program.purpose.contains(.weightGradients), "a program for \(program.purpose) takes no gradients of weights")
    fill(logitGradient)
    let base = gradients.set(set)
    self.gradients = base
    for stage in backwardStages.indices {
      for index in backwardStages[stage].indices { backwardStages[stage][index].bindGradients { base + program.layout.offset($0) } }
    }
  }

  private func fill(_ logitGradient: Tensor) {
    guard let seed = program.logitGradientBuffer else { preconditionFailure("a program for \(program.purpose) takes no gradient") }
    precondition(logitGradient.batch == pass.batch)
    fill(seed, with: logitGradient)
  }

  /// The gradient at the images, `[batch, height, width, channels]`, after a backward pass.
  package var inputGradient: Tensor {
    guard let result = program.inputGradientBuffer else { preconditionFailure("a program for \(program.purpose) takes no such gradient") }
    return read(result, program.graph.inputShape.batched(pass.batch))
  }

  /// Copies the gradient at the images, `[batch, height, width, channels]`.
  func read(inputGradientTo target: UnsafeMutableBufferPointer<Float>) {
    guard let result = program.inputGradientBuffer, let start = target.baseAddress else {
      preconditionFailure("a program for \(program.purpose) takes no gradient at the input")
    }
    precondition(target.count == pass.batch * program.graph.inputShape.count)
    start.update(from: pointer(result), count: target.count)
  }

  /// The seconds that each instruction takes alone, at its best, forward and then backward. The session must have no other context.
  ///
  /// - Parameters:
  ///   - images: a full shard, the whole batch.
  ///   - gradients: takes the gradients of the weights of a training program.
  func timed(_ images: Tensor, gradients: Gradients?) -> [Double] {
    precondition(images.batch == program.sharding.size, "\(images.batch) images are no full shard")
    begin(images, draws: DrawKey(seed: 0, examples: Array(0..<program.sharding.size)))
    let forward = timed(forwardStages, reductions.forward)
    guard program.purpose.hasBackward else { return forward }
    let shape = program.graph.outputShape.batched(program.sharding.size)
    // Of both signs and of a usual size: zeros would be no work for some processors.
    let logitGradient = Tensor(shape, values: (0..<shape.count).map { $0.isMultiple(of: 2) ? 0.01 : -0.01 })
    if let gradients { beginBackward(logitGradient, into: gradients, set: 0) } else { beginBackward(logitGradient) }
    return forward + timed(backwardStages, reductions.backward)
  }

  private func timed(_ stages: [[MicroBatchLoop]], _ reductions: [Reductions.Bound]) -> [Double] {
    var times: [Double] = []
    for stage in stages.indices {
      times += stages[stage].flatMap { $0.timed(pass) }
      if stage < reductions.count { times.append(BestTime.of { reductions[stage](self) }) }
    }
    return times
  }

  /// Whether a stage of the pass has nothing to run. Backward stages are numbered after the `count` forward ones.
  func isIdle(_ stage: Int, forwardStages count: Int) -> Bool {
    stage < count ? forwardStages[stage].isEmpty : backwardStages[stage - count].isEmpty
  }

  /// The memory for the gradient of a parameter.
  func gradient(of parameter: ParameterID) -> UnsafeMutablePointer<Float> {
    guard let gradients else { preconditionFailure("gradients of weights before the backward pass began") }
    return gradients + program.layout.offset(parameter)
  }

  func run(forward stage: Int) { for loop in forwardStages[stage] { loop(pass) } }
  func run(backward stage: Int) { for loop in backwardStages[stage] { loop(pass) } }

  /// The shard's partial result for a reduction.
  func partial(_ reduction: Lowering.Reduction) -> Lowering.Reduction.Partial {
    .init(pointer: pointer(reduction.partial), batch: pass.batch)
  }

  private func stages(_ instructions: [Lowering.Instruction]) throws -> [[MicroBatchLoop]] {
    try instructions.split(omittingEmptySubsequences: false) { $0.reduction != nil }.map { stage in
      try Lowering.Instruction.runs(stage).map { run in
        let microBatches = stage[run.lowerBound].microBatches
        return try MicroBatchLoop(stage[run], microBatches: microBatches) { resolve($0, microBatch: $1, of: microBatches) }
      }
    }
  }

  private func pointer(_ buffer: Lowering.BufferID, microBatch: Int = 0, of count: Int = 1) -> UnsafeMutablePointer<Float> {
    (arena + program.offset(buffer, microBatch: microBatch, of: count)).assumingMemoryBound(to: Float.self)
  }

  /// Copies a tensor to the front of a buffer for a whole shard and pads it with zeros.
  private func fill(_ buffer: Lowering.BufferID, with tensor: Tensor) {
    let target = pointer(buffer)
    tensor.values.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { target.update(from: start, count: source.count) }
    }
    (target + tensor.values.count).update(repeating: 0, count: program.sharding.size * tensor.stride - tensor.values.count)
  }

  private func read(_ buffer: Lowering.BufferID, _ shape: Shape) -> Tensor {
    Tensor(shape, values: Array(UnsafeBufferPointer(start: pointer(buffer), count: shape.count)))
  }

  private func resolve(_ operand: Lowering.Operand, microBatch: Int, of count: Int) -> UnsafeMutableRawPointer {
    switch operand {
    case .buffer(let buffer): UnsafeMutableRawPointer(pointer(buffer, microBatch: microBatch, of: count))
    case .weight(let parameter): UnsafeMutableRawPointer(parameters.memory.floats() + program.layout.offset(parameter))
    case .packed(let index): packed.buffers[index]
    case .shared(let index): reductions.buffers[index]
    // Pointed at the shard's own place before each backward pass.
    case .gradient: arena
    }
  }
}
