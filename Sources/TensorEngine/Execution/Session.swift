import COneDNN

/// A program bound to the parameters of one network, with one lane for each thread that may run it at once.
///
/// `@unchecked Sendable`: `Engine.parallel` hands a lane to one task at a time, and `refresh` is called between tasks.
package final class Session: @unchecked Sendable {
  package let program: Program
  private let packed: PackedWeights
  private let lanes: [Lane]

  /// - Parameter lanes: how many threads may use the session at once.
  package init(_ program: Program, parameters: Parameters, lanes: Int) throws {
    precondition(parameters.layout == program.layout, "parameters of another network")
    let packed = try PackedWeights(program, parameters)
    self.program = program
    self.packed = packed
    self.lanes = try (0..<lanes).map { _ in try Lane(program, parameters: parameters, packed: packed) }
    refresh()
  }

  /// Takes the present values of the parameters into the kernels' own order. To be called after every change of them.
  package func refresh() { packed.refresh() }

  package subscript(lane: Int) -> Lane { lanes[lane] }
}

/// The weights of a session in the orders that its kernels want.
final class PackedWeights {
  /// Where each of the program's packs lies.
  let places: [UnsafeMutableRawPointer]
  private let memory: Memory
  private let parameters: Parameters
  private let calls: [Call]

  init(_ program: Program, _ parameters: Parameters) throws {
    let memory = Memory(bytes: program.packedBytes)
    var places: [UnsafeMutableRawPointer] = []
    var next = memory.base
    for pack in program.packs {
      places.append(next)
      next += Memory.aligned(pack.bytes)
    }
    self.memory = memory
    self.places = places
    self.parameters = parameters
    calls = try zip(program.packs, places).map { pack, place in
      let plain = parameters.memory.floats() + program.layout.offsets[pack.parameter]
      return try Call(pack.kernel, [(ONEDNN_SOURCE, UnsafeMutableRawPointer(plain)), (ONEDNN_DESTINATION, place)])
    }
  }

  func refresh() { for call in calls { call.execute() } }
}
