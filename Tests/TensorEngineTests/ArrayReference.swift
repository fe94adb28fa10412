import Foundation
import TensorEngine

/// Plain loops for the operations that move, repeat, pair and multiply elements, place by place.
struct ArrayReference {
  /// The place of each element, one number for each dimension.
  static func places(_ shape: Shape) -> [[Int]] {
    shape.dimensions.reduce([[]]) { places, extent in places.flatMap { place in (0..<extent).map { place + [$0] } } }
  }

  static func offset(_ place: [Int], _ shape: Shape) -> Int { zip(place, shape.dimensions).reduce(0) { $0 * $1.1 + $1.0 } }

  /// The element of an array that stands at a place of a larger one to which it is repeated.
  static func repeated(_ values: [Double], _ shape: Shape, at place: [Int]) -> Double {
    let own = place.suffix(shape.rank).enumerated().map { shape[$0.offset] == 1 ? 0 : $0.element }
    return values[offset(own, shape)]
  }

  /// - Returns: `nil` for other operations.
  static func value(_ operation: any TensorEngine.Operation, _ inputs: [[Double]], _ shapes: [Shape], _ output: Shape) -> [Double]? {
    let places = places(output)
    switch operation {
    case let permute as Permute:
      return places.map { place in
        var own = place
        for (index, dimension) in permute.order.enumerated() { own[dimension] = place[index] }
        return inputs[0][offset(own, shapes[0])]
      }
    case let slice as Slice:
      return places.map { place in
        var own = place
        own[slice.axis] = slice.start + place[slice.axis] * slice.step
        return inputs[0][offset(own, shapes[0])]
      }
    case let pad as Pad:
      return places.map { place in
        let own = zip(place, pad.before).map { $0 - $1 }
        let isInside = zip(own, shapes[0].dimensions).allSatisfy { $0 >= 0 && $0 < $1 }
        return isInside ? inputs[0][offset(own, shapes[0])] : Double(pad.value)
      }
    case let resize as LinearResize:
      // Every pixel of the image counts by how near it is, which is nothing for all but four.
      return places.map { place in
        let (y, x) = (position(place[0], output[0], shapes[0][0], resize.grid), position(place[1], output[1], shapes[0][1], resize.grid))
        return self.places([shapes[0][0], shapes[0][1]]).reduce(0) { sum, pixel in
          let share = max(0, 1 - abs(Double(pixel[0]) - y)) * max(0, 1 - abs(Double(pixel[1]) - x))
          return sum + share * inputs[0][offset(pixel + [place[2]], shapes[0])]
        }
      }
    case is Expand: return places.map { repeated(inputs[0], shapes[0], at: $0) }
    case let mean as Mean:
      let count = mean.axes.reduce(1) { $0 * shapes[0][$1] }
      var sums = [Double](repeating: 0, count: output.count)
      for place in self.places(shapes[0]) {
        let own = place.enumerated().map { mean.axes.contains($0.offset) ? 0 : $0.element }
        sums[offset(own, output)] += inputs[0][offset(place, shapes[0])] / Double(count)
      }
      return sums
    case let concatenate as Concatenate:
      return places.map { place in
        var (own, input) = (place, 0)
        while own[concatenate.axis] >= shapes[input][concatenate.axis] {
          own[concatenate.axis] -= shapes[input][concatenate.axis]
          input += 1
        }
        return inputs[input][offset(own, shapes[input])]
      }
    case let arithmetic as Arithmetic:
      return places.map { place in
        let (a, b) = (repeated(inputs[0], shapes[0], at: place), repeated(inputs[1], shapes[1], at: place))
        switch arithmetic.kind {
        case .add: return a + b
        case .subtract: return a - b
        case .multiply: return a * b
        case .divide: return a / b
        }
      }
    case is MatrixProduct:
      let depth = shapes[0].dimensions.last ?? 0
      return places.map { place in
        let before = place.dropLast(2)
        return (0..<depth).reduce(0) { sum, k in
          let left = inputs[0][offset(before + [place[place.count - 2], k], shapes[0])]
          return sum + left * inputs[1][offset(before + [k, place[place.count - 1]], shapes[1])]
        }
      }
    case is Softmax:
      let width = output.dimensions.last ?? 1
      return inputs[0].indices.map { index in
        let row = inputs[0][index / width * width..<(index / width + 1) * width]
        return exp(inputs[0][index]) / row.reduce(0) { $0 + exp($1) }
      }
    case let pointwise as Pointwise: return inputs[0].map { value($0, pointwise.function) }
    default: return nil
    }
  }

  /// Where a pixel of a resized image lies in the image.
  private static func position(_ place: Int, _ count: Int, _ extent: Int, _ grid: LinearResize.Grid) -> Double {
    let position =
      switch grid {
      case .halfPixel: (Double(place) + 0.5) * Double(extent) / Double(count) - 0.5
      case .alignCorners: Double(place * (extent - 1)) / Double(count - 1)
      case .asymmetric: Double(place * extent) / Double(count)
      }
    return min(max(position, 0), Double(extent - 1))
  }

  private static func value(_ x: Double, _ function: Pointwise.Function) -> Double {
    switch function {
    case .sigmoid: 1 / (1 + exp(-x))
    case .tanh: tanh(x)
    case .leakyReLU(let slope): max(x, 0) + Double(slope) * min(x, 0)
    case .hardSigmoid(let slope, let offset): min(max(Double(slope) * x + Double(offset), 0), 1)
    case .hardSwish: x * min(max(x + 3, 0), 6) / 6
    case .clip(let range): min(max(x, Double(range.lowerBound)), Double(range.upperBound))
    case .scale(let factor, let offset): Double(factor) * x + Double(offset)
    case .power(let exponent): pow(x, Double(exponent))
    case .squareRoot: x.squareRoot()
    case .reciprocal: 1 / x
    case .exponential: exp(x)
    case .errorFunction: erf(x)
    case .round: x.rounded(.toNearestOrEven)
    }
  }
}
