/// The lifetimes of a program's buffers, and their sizes.
struct Lifetimes {
  /// The first and last moment at which each buffer is needed; `nil` for one that never is.
  private(set) var ranges: [ClosedRange<Int>?]
  /// The bytes of each.
  let bytes: [Int]
  /// The same, for buffers that hold the whole shard; `nil` for those that hold one micro-batch at a time, because only instructions of
  /// one micro-batch loop use them.
  let fullShardBytes: [Int?]

  /// - Parameters:
  ///   - input: written by the caller before the first instruction.
  ///   - pauses: read and written by the caller between forward and backward, before instruction `pause`.
  ///   - output: read by the caller after the last.
  init(_ lowering: Lowering, from input: Lowering.BufferID, pauses: [Lowering.BufferID], at pause: Int, to output: Lowering.BufferID?) {
    let (buffers, instructions) = (lowering.buffers, lowering.instructions)
    // Moments are the numbers of instructions, with a gap of one at `pause`. A micro-batch loop repeats its instructions: what it reads from
    // before or leaves for later is needed from its first instruction to its last.
    let runs = Lowering.Instruction.runs(instructions[..<pause]) + Lowering.Instruction.runs(instructions[pause...])
    var users = [Set<Int>](repeating: [], count: buffers.count)
    for (number, run) in runs.enumerated() {
      for index in run { for case .buffer(let buffer) in instructions[index].operands { users[buffer.index].insert(number) } }
    }
    let callers = Set([input] + pauses + [output].compactMap { $0 })
    let fullShardBytes = buffers.indices.map {
      users[$0].count > 1 || callers.contains(Lowering.BufferID(index: $0)) ? buffers[$0].bytes * buffers[$0].microBatches : nil
    }
    self.fullShardBytes = fullShardBytes
    bytes = buffers.indices.map { fullShardBytes[$0] ?? buffers[$0].bytes }
    ranges = [ClosedRange<Int>?](repeating: nil, count: buffers.count)

    touch(input, -1)
    for run in runs {
      let isSplit = instructions[run.lowerBound].microBatches > 1
      for index in run {
        for case .buffer(let buffer) in instructions[index].operands {
          let moments = isSplit && fullShardBytes[buffer.index] != nil ? run.lowerBound...run.upperBound - 1 : index...index
          for moment in [moments.lowerBound, moments.upperBound] { touch(buffer, moment < pause ? moment : moment + 1) }
        }
      }
    }
    for buffer in pauses { touch(buffer, pause) }
    if let output { touch(output, instructions.count + 1) }
  }

  private mutating func touch(_ buffer: Lowering.BufferID, _ moment: Int) {
    let known = ranges[buffer.index] ?? moment...moment
    ranges[buffer.index] = min(known.lowerBound, moment)...max(known.upperBound, moment)
  }
}

extension Lowering.Instruction {
  /// The micro-batch loops: runs of instructions with the same number of micro-batches.
  static func runs(_ instructions: ArraySlice<Self>) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for (index, instruction) in zip(instructions.indices, instructions) {
      if let last = runs.last, instructions[last.lowerBound].microBatches == instruction.microBatches {
        runs[runs.count - 1] = last.lowerBound..<index + 1
      } else {
        runs.append(index..<index + 1)
      }
    }
    return runs
  }
}
