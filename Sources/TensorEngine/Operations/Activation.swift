import CKernels

/// A smooth activation, element by element. `ReLU` is an operation of its own.
package struct Activation: Operation {
  package enum Kind: String, Sendable {
    /// x Φ(x), with the error function itself, as PyTorch's `GELU` by default (Hendrycks and Gimpel 2016, arXiv:1606.08415).
    case gelu
    /// x σ(x) (Elfwing et al. 2017, arXiv:1702.03118).
    case silu
  }

  package let kind: Kind
  package var label: String { kind.rawValue }

  package init(_ kind: Kind) { self.kind = kind }

  package func outputShape(of inputs: [Shape]) throws -> Shape { inputs[0] }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let source = lowering.value(lowering.input(node))
    let result = lowering.makeValue(node)
    let count = Int64(lowering.batch * lowering.shape(node).count)
    lowering.emit(label, reads: [source], writes: [result]) { [kernel] memory, _ in
      kernels.activate(kernel, memory[source], memory[result], count)
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node) else { return }
    let (source, result) = (lowering.value(input), lowering.makeBuffer(like: input))
    let count = Int64(lowering.batch * lowering.shape(node).count)
    lowering.emit(label + " to input", reads: [gradient, source], writes: [result]) { [kernel] memory, _ in
      kernels.activate_gradient(kernel, memory[gradient], memory[source], memory[result], count)
    }
    lowering.contribute(result, to: input)
  }

  private var kernel: kernels_activation {
    switch kind {
    case .gelu: KERNELS_GELU
    case .silu: KERNELS_SILU
    }
  }
}
