import Datasets
import Jobs
import TensorEngine
import Testing

@Suite struct DatasetLimitTests {
  private let whole = Dataset.digits

  @Test("a limited data set has the images of the whole one, every class in proportion, and copies none")
  func limited() throws {
    let some = whole.limited(to: 200, seed: 3)
    let chosen = stratifiedSample(of: whole.train.labels, classes: 10, count: 200, seed: 3)
    #expect(some.train.labels == chosen.map { whole.train.labels[$0] })
    #expect(try some.train.images(at: 0..<200) == whole.train.images(at: chosen))
    #expect(some.test.count == whole.test.count)
    #expect(some.sha256 == whole.sha256)
    #expect(some.train.memoryBytes == whole.pixelBytes - whole.test.pixelBytes + 200 * (2 + 8))
  }

  @Test("no limit, and one that is not below what there is, leave the data set as it is", arguments: [nil, 1437, 5000])
  func unlimited(limit: Int?) { #expect(whole.limited(to: limit, seed: 3).train.memoryBytes == whole.train.memoryBytes) }

  @Test("what is planned for a data set holds its labels and indices, and pixels only where they stand in memory", arguments: [nil, 200])
  func planned(limit: Int?) {
    let taken = whole.limited(to: limit, seed: 3).memoryBytes
    let inMemory = DatasetFacts(whole).memoryBytes(limit: limit)
    #expect(inMemory >= taken)
    #expect(DatasetFacts(whole.summary).memoryBytes(limit: limit) == inMemory - whole.pixelBytes)
    #expect(DatasetFacts(whole.summary).memoryBytes(limit: limit) >= taken - whole.pixelBytes)
  }

  @Test("a limit leaves a validation part of the data set's own whole")
  func limitedBesideValidation() {
    let held = 37
    let given = Dataset(
      name: "given", imageShape: whole.imageShape, classNames: whole.classNames, train: whole.train, givenValidation: held,
      test: whole.test,
      sha256: whole.sha256, sourceBytes: whole.sourceBytes)
    let some = given.limited(to: 200, seed: 3)
    #expect(some.givenValidation == held && some.train.count == 200 + held)
    #expect(some.train.labels.suffix(held) == whole.train.labels.suffix(held))
    #expect(some.trainingParts(fraction: 0.1, seed: 3).train.count == 200)
    let facts = DatasetFacts(given.summary)
    #expect(facts.trainCount == whole.train.count && facts.givenValidation == held)
    #expect(given.limited(to: whole.train.count - held, seed: 3).train.count == whole.train.count)
  }
}
