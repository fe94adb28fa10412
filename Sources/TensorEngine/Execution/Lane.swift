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

/// What the loops of a program may ask about the pass that they are part of.
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
  private let arena: Memory
  private var forwardSteps: [Step] = []
  private var backwardSteps: [Step] = []
  private var call = LaneCall(batch: 0, dropout: nil)

  init(_ program: Program, parameters: Parameters, prepared: PreparedWeights) throws {
    self.program = program
    self.parameters = parameters
    self.prepared = prepared
    arena = Memory(bytes: program.plan.bytes)
    forwardSteps = try program.forward.map { try Step($0, resolve) }
    backwardSteps = try program.backward.map { try Step($0, resolve) }
  }

  /// The logits `[batch, classes]` of up to `Shard.size` images `[batch, height, width, channels]`.
  ///
  /// - Parameter dropout: needed by a training program with dropout in it.
  package func forward(_ images: Tensor, dropout: DropoutKey? = nil) -> Tensor {
    precondition(images.batch <= Shard.size && images.shape.example == program.graph.inputShape, "images \(images.shape) do not fit")
    call = LaneCall(batch: images.batch, dropout: dropout)
    fill(program.inputBuffer, with: images)
    run(forwardSteps)
    return read(program.logitsBuffer, program.graph.outputShape.batched(images.batch))
  }

  /// The gradient at the images of the last `forward`, for a program that was compiled for an attack. Once per forward.
  ///
  /// - Parameters:
  ///   - logitGradient: `[batch, classes]`.
  ///   - inputGradient: `[batch, height, width, channels]`, overwritten.
  package func backward(_ logitGradient: Tensor, inputGradient: inout Tensor) {
    guard let seed = program.logitGradientBuffer, let result = program.inputGradientBuffer else {
      preconditionFailure("a program for \(program.purpose) takes no gradient at the input")
    }
    precondition(logitGradient.batch == call.batch && inputGradient.shape == program.graph.inputShape.batched(call.batch))
    fill(seed, with: logitGradient)
    run(backwardSteps)
    let source = pointer(result)
    inputGradient.values.withUnsafeMutableBufferPointer { target in
      if let start = target.baseAddress { start.update(from: source, count: target.count) }
    }
  }

  /// The gradients of the weights for the images of the last `forward`, for a program that was compiled for training. Once per
  /// forward; `shard` of `gradients` is overwritten.
  package func backward(_ logitGradient: Tensor, into gradients: Gradients, shard: Int) {
    guard let seed = program.logitGradientBuffer, program.purpose == .training else {
      preconditionFailure("a program for \(program.purpose) takes no gradients of weights")
    }
    precondition(logitGradient.batch == call.batch)
    fill(seed, with: logitGradient)
    let base = gradients.shard(shard)
    for index in backwardSteps.indices where backwardSteps[index].follows {
      backwardSteps[index].follow { base + program.layout.offsets[$0] }
    }
    run(backwardSteps)
  }

  private func run(_ steps: [Step]) {
    for step in steps { step(call) }
  }

  private func pointer(_ buffer: Lowering.BufferID) -> UnsafeMutablePointer<Float> { arena.floats(at: program.plan.offsets[buffer]) }

  /// Copies a tensor to the front of a buffer for a whole shard and pads it with zeros.
  private func fill(_ buffer: Lowering.BufferID, with tensor: Tensor) {
    let target = pointer(buffer)
    tensor.values.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { target.update(from: start, count: source.count) }
    }
    (target + tensor.values.count).update(repeating: 0, count: Shard.size * tensor.stride - tensor.values.count)
  }

  private func read(_ buffer: Lowering.BufferID, _ shape: Shape) -> Tensor {
    Tensor(shape, values: Array(UnsafeBufferPointer(start: pointer(buffer), count: shape.count)))
  }

  private func resolve(_ operand: Lowering.Operand) -> UnsafeMutableRawPointer {
    switch operand {
    case .buffer(let buffer): UnsafeMutableRawPointer(pointer(buffer))
    case .weight(let parameter): UnsafeMutableRawPointer(parameters.memory.floats() + program.layout.offsets[parameter])
    case .prepared(let index): prepared.places[index]
    // Pointed at the shard's own place before each backward pass.
    case .gradient: arena.base
    }
  }
}
