import CKernels

/// The step of the Fast Adaptive Boundary attack onto a hyperplane within a box (Croce and Hein 2020, arXiv:1907.02044, section 3), in L∞ and
/// L2.
package struct BoundaryStep: Sendable {
  private let range: ClosedRange<Float>
  private let overshoot, pull: Double
  private let isByWeight: Bool

  /// - Parameters:
  ///   - isByWeight: whether pixels move by their weights, as the shortest way in L2 does; in L∞ all move alike.
  ///   - range: of a pixel.
  ///   - overshoot: how far a step goes, 1 being onto the plane.
  ///   - pull: the most that a step is drawn to the clean image's own.
  package init(isByWeight: Bool, within range: ClosedRange<Float>, overshoot: Double, pull: Double) {
    self.isByWeight = isByWeight
    self.range = range
    self.overshoot = overshoot
    self.pull = pull
  }

  /// `x = (1 − α)·(x + η·d(x)) + α·(x₀ + η·d(x₀))` for each of `images`, where d is the shortest way within the box to the plane, η the
  /// overshoot, and α the part of d(x) in the lengths of both, at most the pull.
  ///
  /// - Parameters:
  ///   - clean: the x₀, of the shape of `images`.
  ///   - normals: of the same shape. What is not finite counts as 0.
  ///   - values: for each example the height of the linear function at x that is 0 on the plane; one that is no number leads nowhere.
  package func move(_ images: inout Tensor, around clean: Tensor, ontoPlanes normals: Tensor, values: [Float]) {
    precondition(images.shape == clean.shape && images.shape == normals.shape && values.count == images.batch)
    var shape = kernels_boundary(
      count: Int64(images.stride), by_weight: isByWeight, low: range.lowerBound, high: range.upperBound, overshoot: overshoot, pull: pull)
    let stride = images.stride
    var scratch = [Float](repeating: 0, count: kernels.boundary_scratch_count(&shape))
    images.values.withUnsafeMutableBufferPointer { images in
      clean.values.withUnsafeBufferPointer { clean in
        normals.values.withUnsafeBufferPointer { normals in
          guard let images = images.baseAddress, let clean = clean.baseAddress, let normals = normals.baseAddress else { return }
          for (row, value) in values.enumerated() {
            let first = row * stride
            kernels.boundary_step(&shape, normals + first, value, clean + first, images + first, &scratch)
          }
        }
      }
    }
  }
}
