import COneDNN

/// A program bound to the parameters of one network, with one lane for each thread that may run it at once.
///
/// `@unchecked Sendable`: `Engine.parallel` hands a lane to one task at a time, and `refresh` is called between tasks.
package final class Session: @unchecked Sendable {
  package let program: Program
  private let parameters: Parameters
  private let packed: Memory
  private let packing: [Call]
  private let lanes: [Lane]

  /// - Parameter lanes: how many threads may use the session at once.
  package init(_ program: Program, parameters: Parameters, lanes: Int) throws {
    precondition(parameters.layout == program.layout, "parameters of another network")
    let packed = Memory(bytes: program.packedBytes)
    var places: [UnsafeMutableRawPointer] = []
    var next = packed.base
    for pack in program.packs {
      places.append(next)
      next += Memory.aligned(pack.bytes)
    }
    self.program = program
    self.parameters = parameters
    self.packed = packed
    packing = try zip(program.packs, places).map { pack, place in
      try Call(
        pack.kernel,
        [
          (ONEDNN_SOURCE, UnsafeMutableRawPointer(parameters.memory.floats() + program.layout.offsets[pack.parameter])),
          (ONEDNN_DESTINATION, place),
        ])
    }
    self.lanes = try (0..<lanes).map { _ in try Lane(program, parameters: parameters, packed: places) }
    refresh()
  }

  /// Takes the present values of the parameters into the kernels' own order. To be called after every change of them.
  package func refresh() { for call in packing { call.execute() } }

  package subscript(lane: Int) -> Lane { lanes[lane] }
}
