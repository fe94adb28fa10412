import Foundation
import TensorEngine
import Testing

/// What NumPy, SciPy and Pillow make of two images: Tests/Peers/preprocessing.py.
@Suite("Preprocessing agrees with other libraries") struct PreprocessingReferenceTests {
  struct Picture: Decodable {
    let shape: [Int]
    /// Of 8 bits.
    let pixels: [Int]
    let cases: [Case]
  }

  struct Case: Decodable {
    let type: String
    let bits, size, quality: Int?
    let sigma: Double?
    let result: [Float]
  }

  private func pictures() throws -> [Picture] {
    let file = try #require(Bundle.module.url(forResource: "preprocessing", withExtension: "json", subdirectory: "Fixtures"))
    return try JSONDecoder().decode([Picture].self, from: Data(contentsOf: file))
  }

  /// Each result of the fixture with ours.
  private func compared(_ type: String, _ make: (Case) throws -> any TensorEngine.Operation) throws -> [(theirs: [Float], ours: [Float])] {
    try pictures().flatMap { picture in
      let image = Tensor(Shape([1] + picture.shape), values: picture.pixels.map { Float($0) / 255 })
      return try picture.cases.filter { $0.type == type }.map { found in
        let operation = PreprocessingCase(testDescription: type, operation: try make(found))
        return (found.result, try context(operation.alone(Shape(picture.shape)), .inference).forward(image).values)
      }
    }
  }

  @Test("the bit depth is NumPy's, to the bit") func bitDepth() throws {
    let results = try compared("bit_depth") { BitDepth(bits: try #require($0.bits)) }
    #expect(results.count == 6)
    for result in results { #expect(result.ours == result.theirs) }
  }

  @Test("the median is SciPy's, to the bit") func median() throws {
    let results = try compared("median") { MedianFilter(size: try #require($0.size)) }
    #expect(results.count == 4)
    for result in results { #expect(result.ours == result.theirs.map { $0 / 255 }) }
  }

  @Test("the blur is SciPy's within rounding, also where its window is larger than the image") func blur() throws {
    let results = try compared("gaussian_blur") { GaussianBlur(deviation: try #require($0.sigma), size: $0.size) }
    #expect(results.count == 8)
    for result in results { #expect(zip(result.ours, result.theirs).allSatisfy { abs($0 - $1) < 1e-6 }) }
  }

  /// The integer transforms of libjpeg move a coefficient that lies between two steps to the other one now and then. Steps are small at a
  /// high quality, so that there many do.
  @Test("JPEG is Pillow's, less than a value of 255 away in the mean, and two or more at a quality five off") func jpeg() throws {
    let results = try compared("jpeg") { JPEGCompression(quality: try #require($0.quality)) }
    let others = try compared("jpeg") { found in
      let quality = try #require(found.quality)
      return JPEGCompression(quality: quality < 95 ? quality + 5 : quality - 5)
    }
    #expect(results.count == 12)
    for (result, other) in zip(results, others) {
      let differences = zip(result.ours, result.theirs).map { abs(($0 * 255).rounded() - $1) }
      let mean = differences.reduce(0, +) / Float(differences.count)
      let elsewhere = zip(other.ours, other.theirs).reduce(0) { $0 + abs($1.0 * 255 - $1.1) } / Float(differences.count)
      #expect(mean < 0.75 && differences.allSatisfy { $0 <= 6 })
      #expect(elsewhere > 1.25 && elsewhere > 3 * mean)
      #expect(result.ours.allSatisfy { abs($0 * 255 - ($0 * 255).rounded()) < 1e-3 && $0 >= 0 && $0 <= 1 })
    }
  }

  @Test("JPEG of a grey image has Pillow's coefficients, but where one lies halfway between two steps") func coefficients() throws {
    let picture = try #require(try pictures().first { $0.shape[2] == 1 })
    let (height, width) = (picture.shape[0], picture.shape[1])
    let image = Tensor(Shape([1] + picture.shape), values: picture.pixels.map { Float($0) / 255 })
    for found in picture.cases where found.type == "jpeg" && (25...75).contains(found.quality ?? 0) {
      let operation = PreprocessingCase(testDescription: "", operation: JPEGCompression(quality: try #require(found.quality)))
      let ours = try context(operation.alone(Shape(picture.shape)), .inference).forward(image).values.map { $0 * 255 }
      let steps = JPEGTables(quality: try #require(found.quality)).luminance.map(Double.init)
      for (row, column) in blocks(height, width) {
        func coefficients(_ values: [Float]) -> [Double] { transformed(values, row, column, width: width) }
        let (before, own, other) = (coefficients(picture.pixels.map(Float.init)), coefficients(ours), coefficients(found.result))
        for index in steps.indices where abs(own[index] - other[index]) > 0.5 * steps[index] {
          let place = abs(before[index]) / steps[index]
          #expect(abs(place - place.rounded(.down) - 0.5) * steps[index] < 0.1)
        }
      }
    }
  }

  /// The corners of whole blocks.
  private func blocks(_ height: Int, _ width: Int) -> [(Int, Int)] {
    (0..<height / 8).flatMap { row in (0..<width / 8).map { (8 * row, 8 * $0) } }
  }

  /// The discrete cosine transform of a block, by its sum over all pixels.
  private func transformed(_ values: [Float], _ row: Int, _ column: Int, width: Int) -> [Double] {
    func wave(_ frequency: Int, _ place: Int) -> Double { cos(Double((2 * place + 1) * frequency) * Double.pi / 16) }
    return (0..<64).map { index in
      let (u, v) = (index / 8, index % 8)
      let scale = (u == 0 ? 0.5.squareRoot() : 1) * (v == 0 ? 0.5.squareRoot() : 1) / 4
      return scale
        * (0..<64).reduce(0) { sum, pixel in
          let value = Double(values[(row + pixel / 8) * width + column + pixel % 8]) - 128
          return sum + value * wave(u, pixel / 8) * wave(v, pixel % 8)
        }
    }
  }

  @Test("the tables of JPEG are those of the standard at quality 50, all ones at 100, and at 1 the largest of 8 bits") func tables() {
    let usual = JPEGTables(quality: 50)
    #expect(usual.luminance.prefix(8) == [16, 11, 10, 16, 24, 40, 51, 61] && usual.luminance.last == 99)
    #expect(usual.chrominance.prefix(4) == [17, 18, 24, 47] && usual.chrominance.last == 99)
    #expect(JPEGTables(quality: 100).luminance.allSatisfy { $0 == 1 })
    #expect(JPEGTables(quality: 1).chrominance.allSatisfy { $0 == 255 })
    // What Pillow reports of a file that it wrote at quality 75.
    #expect(JPEGTables(quality: 75).luminance.prefix(8) == [8, 6, 5, 8, 12, 20, 26, 31])
  }
}
