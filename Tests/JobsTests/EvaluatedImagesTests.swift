import Datasets
import JSON
import Jobs
import TensorEngine
import Testing

@Suite struct EvaluatedImagesTests {
  private func section(_ more: JSONValue) throws -> EvaluationSection {
    try JobSpec(reading: Specs.smallest.setting("/evaluation", to: more)).evaluation
  }

  @Test("images are drawn by the seed, taken from the beginning, or drawn with each class's share kept")
  func order() throws {
    let test = Dataset.digits.test
    func ids(_ more: JSONValue, seed: UInt64 = 1) throws -> [Int] { try section(more).examples(of: test, classes: 10, seed: seed) }
    #expect(try ids(["order": "first", "samples": 40]) == Array(0..<40))
    let drawn = try ids(["samples": 40])
    #expect(drawn.count == 40 && drawn == drawn.sorted() && drawn != Array(0..<40))
    #expect(try ids(["samples": 40], seed: 2) != drawn)
    let stratified = try ids(["order": "stratified", "samples": 100])
    #expect(stratified.count == 100 && stratified == stratified.sorted())
    let (all, chosen) = (test.countsPerClass(10), test.selecting(stratified).countsPerClass(10))
    for (whole, part) in zip(all, chosen) { #expect(abs(Double(part) - Double(whole) * 100 / Double(test.count)) < 1) }
    for order: JSONValue in ["first", "stratified", .null] {
      #expect(try ids(["order": order, "samples": 5000]) == Array(0..<test.count))
    }
  }

  @Test("test images that stand in the training part are counted, once for each test image")
  func repeated() throws {
    let digits = Dataset.digits
    // Three images of the training part among the test images, one of them twice.
    let (train, test) = (try digits.train.images(at: 0..<50), try digits.test.images(at: 0..<20))
    let pixels = test.values + train.gathered([7, 7, 9]).values
    let mixed = Dataset(
      name: "mixed", imageShape: digits.imageShape, classNames: digits.classNames,
      train: Split(imageShape: digits.imageShape, pixels: Pixels(floats: train.values), labels: digits.train.labels(at: 0..<50)),
      test: Split(
        imageShape: digits.imageShape, pixels: Pixels(floats: pixels), labels: digits.test.labels(at: 0..<20) + [0, 0, 0]),
      sha256: "", sourceBytes: 0)
    #expect(try RepeatedImages(mixed).count(of: Array(0..<23)) {} == 3)
    #expect(try RepeatedImages(mixed).count(of: Array(0..<20)) {} == 0)
    #expect(try RepeatedImages(mixed).count(of: [3, 21]) {} == 1)
    #expect(try RepeatedImages(digits).count(of: Array(0..<digits.test.count)) {} == 0)
  }

  private struct Stop: Error {}

  @Test("the search for them ends when it is told to") func stop() {
    #expect(throws: Stop.self) { try RepeatedImages(Dataset.digits).count(of: [0]) { throw Stop() } }
  }
}
