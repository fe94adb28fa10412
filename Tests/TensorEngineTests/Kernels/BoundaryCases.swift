import CKernels
import Foundation

/// FAB's step, against the definition: the way to the plane by bisection.
let boundaryCases: [KernelCase] = [1, 5, 16, 67].flatMap { count in
  [false, true].flatMap { isByWeight in
    [Float(0.2), -0.2, 0, 50, .nan].map { value in
      KernelCase("step onto a boundary \(isByWeight ? "in L2" : "in L∞"), \(count), from \(value)") { kernels in
        BoundaryExample(count: count, isByWeight: isByWeight, value: value).faults(kernels)
      }
    }
  }
}

private struct BoundaryExample {
  let normal, clean, image: [Float]
  let isByWeight: Bool
  let value: Float
  private let overshoot = 1.05
  private let pull = 0.1

  init(count: Int, isByWeight: Bool, value: Float) {
    var normal = noise(count)
    // No direction, and none that counts.
    for (index, weight) in [Float(0), .nan, .infinity].enumerated() where index < count - 1 { normal[index] = weight }
    self.normal = normal
    // Many at the walls.
    func box(_ values: [Float]) -> [Float] { values.map { min(max($0 * 1.5 + 0.5, 0), 1) } }
    clean = box(noise(count, seed: 2))
    image = box(noise(count, seed: 3))
    (self.isByWeight, self.value) = (isByWeight, value)
  }

  func faults(_ kernels: kernels_table) -> [String] {
    var shape = kernels_boundary(
      count: Int64(image.count), by_weight: isByWeight, low: 0, high: 1, overshoot: overshoot, pull: pull)
    var scratch = [Float](repeating: .nan, count: kernels.boundary_scratch_count(&shape))
    var result = Written<Float>(image.count)
    for (index, pixel) in image.enumerated() { result.memory[index] = pixel }
    kernels.boundary_step(&shape, normal, value, clean, &result.memory, &scratch)
    return result.faults(expected, within: 1e-6)
  }

  private var expected: [Double] {
    let weights = normal.map { $0.isFinite ? Double($0) : 0 }
    func height(_ point: [Float]) -> Double {
      Double(value) + weights.indices.reduce(0) { $0 + weights[$1] * (Double(point[$1]) - Double(image[$1])) }
    }
    let (near, own) = (way(from: image, height(image), weights), way(from: clean, height(clean), weights))
    let (far, back) = (max(length(near), 1e-8), max(length(own), 1e-8))
    let alpha = min(far / (far + back), pull)
    return image.indices.map { index in
      let ahead = Double(image[index]) + overshoot * near[index]
      let straight = Double(clean[index]) + overshoot * own[index]
      return min(max((1 - alpha) * ahead + alpha * straight, 0), 1)
    }
  }

  private func way(from point: [Float], _ height: Double, _ weights: [Double]) -> [Double] {
    guard height.isFinite else { return weights.map { _ in 0 } }
    func steps(_ pace: Double) -> [Double] {
      weights.indices.map { index in
        let weight = height < 0 ? weights[index] : -weights[index]
        let room = weight > 0 ? 1 - Double(point[index]) : Double(point[index])
        let size = weight == 0 ? 0 : min(pace * (isByWeight ? abs(weight) : 1), room)
        return weight < 0 ? -size : size
      }
    }
    func change(_ steps: [Double]) -> Double { abs(zip(weights, steps).reduce(0) { $0 + $1.0 * $1.1 }) }
    var (low, high) = (0.0, 1e9)
    for _ in 0..<100 where change(steps(high)) >= abs(height) {
      let middle = (low + high) / 2
      if change(steps(middle)) < abs(height) { low = middle } else { high = middle }
    }
    return steps(high)
  }

  private func length(_ steps: [Double]) -> Double {
    isByWeight ? steps.reduce(0) { $0 + $1 * $1 }.squareRoot() : steps.reduce(0) { max($0, abs($1)) }
  }
}
