import Datasets
import TensorEngine
import Testing

/// The expected figures come from scikit-learn's `load_digits`, split by the Python of NOTICE.md.
@Suite struct DigitsTests {
  let digits = Dataset.digits

  @Test("the built-in digits hold the very bytes of scikit-learn's copy")
  func content() {
    #expect(digits.sha256 == "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826")
    #expect(digits.imageShape == [8, 8, 1])
    #expect(digits.classNames == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])
  }

  @Test("the split has the counts of each class that the rule of the notice gives in Python")
  func counts() {
    #expect(digits.train.count == 1437)
    #expect(digits.test.count == 360)
    #expect(digits.train.countsPerClass(10) == [142, 146, 141, 147, 144, 146, 145, 143, 139, 144])
    #expect(digits.test.countsPerClass(10) == [36, 36, 36, 36, 37, 36, 36, 36, 35, 36])
    #expect(Array(digits.test.labels.prefix(20)) == [0, 2, 4, 7, 1, 6, 8, 9, 5, 3, 0, 2, 7, 6, 4, 0, 1, 3, 9, 8])
    #expect(Array(digits.train.labels.prefix(20)) == [1, 3, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 8, 9, 0, 2, 3, 4])
  }

  @Test("an image has the pixels that scikit-learn gives it, divided by 16")
  func image() throws {
    let sixteenths: [Float] = [
      0, 0, 2, 13, 8, 0, 0, 0, 0, 0, 6, 16, 16, 6, 0, 0, 0, 0, 5, 15, 13, 11, 0, 0, 0, 0, 0, 7, 16, 15, 0, 0,
      0, 0, 0, 0, 0, 14, 3, 0, 0, 0, 0, 0, 0, 7, 11, 0, 0, 0, 0, 3, 4, 4, 16, 2, 0, 0, 2, 15, 13, 14, 13, 2,
    ]
    let image = try digits.test.images(at: [7])
    #expect(image.shape == [1, 8, 8, 1])
    #expect(image.values == sixteenths.map { $0 / 16 })
    #expect(digits.test.labels[7] == 9)
  }

  @Test(
    "every pixel stands where it stands in Python: sums weighted by image and position agree",
    arguments: [(true, 10_108_198_849), (false, 634_336_542)])
  func everyPixel(isTrain: Bool, expected: Int) throws {
    let split = isTrain ? digits.train : digits.test
    let values = try split.images(at: 0..<split.count).values
    var weighted = 0
    for (place, value) in values.enumerated() {
      let (image, position) = place.quotientAndRemainder(dividingBy: 64)
      weighted += Int(value * 16) * position * image
    }
    #expect(weighted == expected)
  }
}
