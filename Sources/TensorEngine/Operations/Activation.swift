import CKernels

/// x times how far a gate is open at x, element by element; `ReLU`, whose gate is open or shut, is an operation of its own.
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
    let count = Int64(lowering.batch * lowering.shape(node).count)
    lowering.emit(label, reads: [source], writes: [lowering.makeValue(node)]) { [kernel] pointers, _ in
      kernels.activate(kernel, pointers[0], pointers[1], count)
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.gradient(node) else { return }
    let result = lowering.makeBuffer(like: input)
    let count = Int64(lowering.batch * lowering.shape(node).count)
    lowering.emit(label + " to input", reads: [gradient, lowering.value(input)], writes: [result]) { [kernel] pointers, _ in
      kernels.activate_gradient(kernel, pointers[0], pointers[1], pointers[2], count)
    }
    lowering.contribute(result, to: input)
  }

  private var kernel: kernels_activation { kind == .gelu ? KERNELS_GELU : KERNELS_SILU }
}
