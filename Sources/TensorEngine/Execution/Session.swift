/// A program bound to the parameters of one network, with one lane for each thread that may run it at once.
///
/// `@unchecked Sendable`: `Engine.parallel` hands a lane to one task at a time, and `refresh` is called between tasks.
package final class Session: @unchecked Sendable {
  package let program: Program
  private let prepared: PreparedWeights
  private let lanes: [Lane]

  /// - Parameter lanes: how many threads may use the session at once.
  package init(_ program: Program, parameters: Parameters, lanes: Int) throws {
    precondition(parameters.layout == program.layout, "parameters of another network")
    let prepared = try PreparedWeights(program, parameters)
    self.program = program
    self.prepared = prepared
    self.lanes = try (0..<lanes).map { _ in try Lane(program, parameters: parameters, prepared: prepared) }
    refresh()
  }

  /// Prepares the present values of the parameters for the kernels. To be called after every change of them.
  package func refresh() { prepared.refresh() }

  package subscript(lane: Int) -> Lane { lanes[lane] }
}
