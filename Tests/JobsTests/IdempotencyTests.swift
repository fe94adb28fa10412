import Foundation
import Jobs
import Robustness
import Testing

@Suite struct IdempotencyTests {
  private let key = IdempotencyKey(key: "k1", route: "POST /v1/jobs", digest: "aa")
  private let answer = StoredAnswer(status: 201, headers: [("location", "/v1/jobs/x"), ("etag", "\"1\"")], body: Data("{}".utf8))

  @Test("an answer is given again for the same key and body, also by the next process")
  func replay() throws {
    let folder = try TestFolder()
    var store: Store? = try Store(at: folder.url)
    #expect(try store?.lookUp(key) == .unknown)
    try store?.remember(answer, for: key)
    #expect(try store?.lookUp(key) == .answered(answer))
    store = nil
    let next = try Store(at: folder.url)
    #expect(try next.lookUp(key) == .answered(answer))
    #expect(try next.lookUp(IdempotencyKey(key: "k1", route: key.route, digest: "bb")) == .otherBody)
    #expect(try next.lookUp(IdempotencyKey(key: "k1", route: "POST /v1/models", digest: "bb")) == .unknown)
  }

  @Test("a key is forgotten after a day")
  func expiry() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let then = Timestamp(milliseconds: 1_700_000_000_000)
    try store.remember(answer, for: key, at: then)
    #expect(try store.lookUp(key, at: then.advanced(bySeconds: 86_399)) == .answered(answer))
    #expect(try store.lookUp(key, at: then.advanced(bySeconds: 86_401)) == .unknown)
  }

  @Test("a job that is submitted ten times at once with one key is one job")
  func once() async throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let spec = try Specs.parsed(Specs.smallest)
    let key = key
    let answers = try await withThrowingTaskGroup(of: (StoredAnswer, Bool)?.self) { group in
      for _ in 0..<10 {
        group.addTask {
          try store.submit(spec, key: key) { StoredAnswer(status: 201, headers: [], body: Data($0.id.utf8)) }
            .map { ($0.answer, $0.isReplay) }
        }
      }
      var found: [(StoredAnswer, Bool)] = []
      for try await answer in group { if let answer { found.append(answer) } }
      return found
    }
    #expect(answers.count == 10)
    #expect(Set(answers.map(\.0)).count == 1)
    #expect(answers.filter { !$0.1 }.count == 1)
    #expect(try store.jobs().elements.count == 1)
    let other = IdempotencyKey(key: key.key, route: key.route, digest: "bb")
    #expect(try store.submit(spec, key: other) { _ in answers[0].0 } == nil)
  }
}
