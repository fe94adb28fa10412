/// When the buffers of a program are needed, and how much of them at once.
struct Lifetimes {
  /// The first and last moment at which each is needed; `nil` for a buffer that never is.
  private(set) var ranges: [ClosedRange<Int>?]
  /// The bytes of each.
  let bytes: [Int]
  /// The same, of those that hold all of the shard: of every other, one run of instructions makes use for one part after the other.
  let fullShardBytes: [Int?]

  /// - Parameters:
  ///   - input: written by the caller before the first instruction.
  ///   - pauses: read and written by the caller between forward and backward, before instruction `pause`.
  ///   - output: read by the caller after the last.
  init(_ lowering: Lowering, from input: Lowering.BufferID, pauses: [Lowering.BufferID], at pause: Int, to output: Lowering.BufferID?) {
    let (buffers, instructions) = (lowering.buffers, lowering.instructions)
    // Moments are the numbers of instructions, with a gap of one at `pause`. A run of instructions through which the shard passes in parts
    // is gone through again and again: what was there before it or is wanted after it is needed all the while.
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
  /// The runs of instructions through which the shard passes in the same parts.
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
