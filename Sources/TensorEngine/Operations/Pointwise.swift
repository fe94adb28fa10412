import Foundation

/// A function of each element by itself. `ReLU` and `Activation` are operations of their own, with kernels in C++.
package struct Pointwise: Operation {
  package enum Function: Hashable, Sendable {
    /// 1 / (1 + exp(−x))
    case sigmoid
    case tanh
    /// x where it is above 0, else x · slope.
    case leakyReLU(slope: Float)
    /// slope · x + offset, within [0, 1].
    case hardSigmoid(slope: Float, offset: Float)
    /// x · max(0, min(1, x / 6 + 1/2)) (Howard et al. 2019, arXiv:1905.02244).
    case hardSwish
    case clip(ClosedRange<Float>)
    /// factor · x + offset
    case scale(factor: Float, offset: Float)
    case power(Float)
    case squareRoot
    /// 1 / x
    case reciprocal
    case exponential
    case errorFunction
    /// To the nearest whole number, halves to the even one. Its own gradient is zero almost everywhere, so that the gradient passes as through
    /// the identity, as in `BitDepth`.
    case round
  }

  package let function: Function
  package let label: String

  package init(_ function: Function, label: String) {
    self.function = function
    self.label = label
  }

  package func outputShape(of inputs: [Shape]) throws -> Shape { inputs[0] }

  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { output.count }

  /// With a bend it is another function on each side of it.
  package func frozen(_ node: Graph.NodeID) -> FrozenOperation {
    switch function {
    case .leakyReLU, .hardSigmoid, .hardSwish, .clip, .round: .unknown
    default: .smooth(self)
    }
  }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (source, result) = (lowering.value(lowering.input(node)), lowering.makeValue(node))
    let count = lowering.batch * lowering.shape(node).count
    lowering.emit(label, reads: [source], writes: [result]) { [function] memory, _ in
      function.apply(memory[source], to: memory[result], count)
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node) else { return }
    let (source, result) = (lowering.value(input), lowering.makeBuffer(like: input))
    let count = lowering.batch * lowering.shape(node).count
    lowering.emit(label + " to input", reads: [gradient, source], writes: [result]) { [function] memory, _ in
      function.applyGradient(memory[gradient], memory[source], to: memory[result], count)
    }
    lowering.contribute(result, to: input)
  }
}

extension Pointwise.Function {
  typealias Values = UnsafeMutablePointer<Float>

  /// The value stands first in `max` and `min`: so a NaN stays one.
  fileprivate func apply(_ x: Values, to y: Values, _ count: Int) {
    func map(_ value: (Float) -> Float) { for i in 0..<count { y[i] = value(x[i]) } }
    switch self {
    case .sigmoid: map { 1 / (1 + exp(-$0)) }
    case .tanh: map { Foundation.tanh($0) }
    case .leakyReLU(let slope): map { $0 > 0 ? $0 : $0 * slope }
    case .hardSigmoid(let slope, let offset): map { Swift.max(Swift.min(slope * $0 + offset, 1), 0) }
    case .hardSwish: map { $0 * Swift.max(Swift.min($0 / 6 + 0.5, 1), 0) }
    case .clip(let range): map { Swift.max(Swift.min($0, range.upperBound), range.lowerBound) }
    case .scale(let factor, let offset): map { factor * $0 + offset }
    case .power(2): map { $0 * $0 }
    case .power(let exponent): map { pow($0, exponent) }
    case .squareRoot: map { $0.squareRoot() }
    case .reciprocal: map { 1 / $0 }
    case .exponential: map { exp($0) }
    case .errorFunction: map { erf($0) }
    case .round: map { $0.rounded(.toNearestOrEven) }
    }
  }

  /// At a bend it is as PyTorch has it: `clamp` passes the gradient at its ends, `hardsigmoid` and `hardswish` do not.
  fileprivate func applyGradient(_ gradient: Values, _ x: Values, to result: Values, _ count: Int) {
    func map(_ derivative: (Float) -> Float) { for i in 0..<count { result[i] = gradient[i] * derivative(x[i]) } }
    switch self {
    case .sigmoid:
      map {
        let share = 1 / (1 + exp(-$0))
        return share * (1 - share)
      }
    case .tanh:
      map {
        let value = Foundation.tanh($0)
        return 1 - value * value
      }
    case .leakyReLU(let slope): map { $0 > 0 ? 1 : slope }
    case .hardSigmoid(let slope, let offset):
      map {
        let value = slope * $0 + offset
        return value > 0 && value < 1 ? slope : 0
      }
    case .hardSwish: map { $0 <= -3 ? 0 : $0 >= 3 ? 1 : $0 / 3 + 0.5 }
    case .clip(let range): map { $0 >= range.lowerBound && $0 <= range.upperBound ? 1 : 0 }
    case .scale(let factor, _): map { _ in factor }
    case .power(2): map { 2 * $0 }
    case .power(let exponent): map { exponent * pow($0, exponent - 1) }
    case .squareRoot: map { 0.5 / $0.squareRoot() }
    case .reciprocal: map { -1 / ($0 * $0) }
    case .exponential: map { exp($0) }
    // 2 / √π exp(−x²)
    case .errorFunction: map { 1.128_379_167 * exp(-$0 * $0) }
    case .round: map { _ in 1 }
    }
  }
}
