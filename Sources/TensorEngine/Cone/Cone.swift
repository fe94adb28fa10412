/// The logits of images that differ from known ones in a square each, computed from what is known of those: of every layer only what the
/// change reaches.
///
/// Rounding apart they are those of the whole network. Every image is computed independently of the others.
package final class Cone {
  private let program: ConeProgram
  private let weights: ConeWeights
  private let maps: [KnownMap]
  /// What the first linear layer makes of each image, `[images, weights.stride]`.
  private var sums: [Float]
  /// How many pixels of each map a square changes.
  private let extents: [Extent]
  private let stages: [Session]
  private let head: Session?
  private var asked: Asked?

  /// - Parameters:
  ///   - weights: of the present parameters.
  ///   - images: `[batch, height, width, channels]`, which are known from now on.
  ///   - side: of the squares that will change, in pixels.
  /// - Returns: `nil` where computing in part would save little or take too much memory.
  package init?(_ program: ConeProgram, _ weights: ConeWeights, images: Tensor, side: Int) throws {
    guard program.isWorthwhile(side: side), Self.bytes(program, images: images.batch) <= Self.mostBytes else { return nil }
    self.program = program
    self.weights = weights
    maps = program.plan.maps.map { KnownMap($0, images: images.batch) }
    sums = (0..<images.batch).flatMap { _ in weights.initial }
    extents = program.plan.reached(by: Extent(side))
    stages = try program.plan.stages.indices.map { [extents] in try program.session($0, to: extents[$0 + 1], weights) }
    head = try program.head().map { try Session($0, parameters: weights.parameters, contexts: 1) }
    // Everything changes from zero.
    let corners = [Place](repeating: Place(row: 0, column: 0), count: images.batch)
    let whole = program.plan.whole
    let all = Array(0..<images.batch)
    keep(
      all,
      of: try answer(Patches(places: corners, pixels: images), of: all, whole) { try program.session($0, to: whole[$0 + 1], weights) })
  }

  /// The most memory that what is known of images may take.
  package static let mostBytes = 8 << 20

  /// What is known of so many images.
  static func bytes(_ program: ConeProgram, images: Int) -> Int {
    images * program.plan.maps.reduce(0) { $0 + $1.count } * MemoryLayout<Float>.size
  }

  // MARK: Asking

  /// Logits `[candidates, classes]`.
  ///
  /// - Parameters:
  ///   - candidates: `[candidates, height, width, channels]`.
  ///   - images: for each the known image, by its row, that it differs from.
  ///   - places: the upper left pixel of the square in which it does.
  package func logits(of candidates: Tensor, changing images: [Int], at places: [Place]) -> Tensor {
    let squares = Patches(cutting: extents[0], at: places, outOf: candidates)
    let asked = answer(squares, of: images, extents) { stages[$0] }
    self.asked = asked
    return logits(asked.sums)
  }

  /// From now on the candidates of these rows of the last call are known, in place of the images that they differ from.
  package func keep(_ rows: [Int]) {
    guard let asked else { return }
    self.asked = nil
    keep(rows, of: asked)
  }

  private func keep(_ rows: [Int], of asked: Asked) {
    for (map, changes) in zip(maps, asked.changes) {
      let known = map.images
      changes.read { changes in
        for row in rows { known[asked.images[row]].copy(from: changes[row]) }
      }
    }
    for row in rows {
      let image = asked.images[row]
      sums.replaceSubrange(
        image * weights.stride..<(image + 1) * weights.stride, with: asked.sums[row * weights.stride..<(row + 1) * weights.stride])
    }
  }

  /// Takes changes of images through the stages and the first linear layer.
  ///
  /// - Parameters:
  ///   - extents: how many pixels of each map change.
  ///   - session: of each stage, for this much of its output.
  private func answer(
    _ squares: Patches, of images: [Int], _ extents: [Extent], _ session: (Int) throws -> Session
  ) rethrows -> Asked {
    var changes = [squares]
    for (index, stage) in program.plan.stages.enumerated() {
      let (output, places) = (extents[index + 1], stage.places(changes[index].places, extents[index + 1]))
      let windows = maps[index].cut(stage.seen(by: output), at: stage.corners(places), of: images, with: changes[index])
      changes.append(Patches(places: places, pixels: try session(index).values(of: windows)))
    }
    var results = [Float]()
    results.reserveCapacity(images.count * weights.stride)
    for image in images { results += sums[image * weights.stride..<(image + 1) * weights.stride] }
    let known = maps[maps.count - 1].images
    results.withUnsafeMutableBufferPointer { results in
      guard let start = results.baseAddress else { return }
      changes[changes.count - 1].read { last in
        for (row, image) in images.enumerated() { weights.add(last[row], insteadOf: known[image], to: start + row * weights.stride) }
      }
    }
    return Asked(images: images, changes: changes, sums: results)
  }

  /// - Parameter sums: `[images, weights.stride]`
  private func logits(_ sums: [Float]) -> Tensor {
    let (units, stride) = (program.plan.linear.units, weights.stride)
    var results = [Float]()
    results.reserveCapacity(sums.count / stride * units)
    for first in Swift.stride(from: 0, to: sums.count, by: stride) { results += sums[first..<first + units] }
    let tensor = Tensor([sums.count / stride, units], values: results)
    return head?.values(of: tensor) ?? tensor
  }

  /// What has been asked about, and what it changes.
  private struct Asked {
    let images: [Int]
    /// In each map.
    let changes: [Patches]
    let sums: [Float]
  }
}

extension Session {
  /// The results for any number of examples, one shard after the other.
  fileprivate func values(of examples: Tensor) -> Tensor {
    let sharding = program.sharding
    guard examples.batch > sharding.size else { return self[0].forward(examples) }
    var values = [Float]()
    values.reserveCapacity(examples.batch * program.graph.outputShape.count)
    for index in 0..<sharding.count(examples.batch) {
      values += self[0].forward(examples.gathered(sharding.range(index, of: examples.batch))).values
    }
    return Tensor(program.graph.outputShape.batched(examples.batch), values: values)
  }
}
