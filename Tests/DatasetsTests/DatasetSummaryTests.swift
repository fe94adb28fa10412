import Datasets
import Foundation
import Testing

@Suite struct DatasetSummaryTests {
  @Test("a summary tells shape, classes, counts, digest and size, in snake case, and comes back from JSON as it went")
  func json() throws {
    let summary = try DatasetSource.load(format: .npz, path: fixture("grey.npz")).summary
    #expect(summary.shape == [4, 5, 1])
    #expect(summary.train.count == 6)
    #expect(summary.train.perClass == [2, 2, 2])
    #expect(summary.test.perClass == [1, 2, 1])
    #expect(summary.bytes == 1282)

    let encoded = try JSONEncoder().encode(summary)
    let object = try #require(try JSONSerialization.jsonObject(with: encoded) as? [String: Any])
    #expect(Set(object.keys) == ["shape", "classes", "class_names", "train", "test", "sha256", "bytes"])
    #expect((object["test"] as? [String: Any])?["per_class"] as? [Int] == [1, 2, 1])
    #expect(try JSONDecoder().decode(DatasetSummary.self, from: encoded) == summary)
  }
}
