import Foundation
import Jobs
import Testing

@Suite struct IdempotencyTests {
  private let key = IdempotencyKey(key: "k1", route: "POST /v1/jobs", digest: "aa")
  private let answer = StoredAnswer(status: 201, headers: [("location", "/v1/jobs/x"), ("etag", "\"1\"")], body: Data("{}".utf8))

  private func submit(_ store: Store, _ key: IdempotencyKey, at now: Timestamp = .now) throws -> CreationAnswer {
    try store.submit(Specs.parsed(Specs.smallest), key: key, at: now) { _ in answer }
  }

  @Test("an answer is given again for the same key and body, also by the next process")
  func replay() throws {
    let folder = try TestFolder()
    var store: Store? = try Store(at: folder.url)
    #expect(try store?.lookUp(key) == nil)
    #expect(try store.map { try submit($0, key) } == .created(answer))
    #expect(try store?.lookUp(key) == .replayed(answer))
    store = nil
    let next = try Store(at: folder.url)
    #expect(try next.lookUp(key) == .replayed(answer))
    #expect(try submit(next, key) == .replayed(answer))
    #expect(try next.jobs().elements.count == 1)
    #expect(try next.lookUp(IdempotencyKey(key: "k1", route: key.route, digest: "bb")) == .otherBody)
    #expect(try next.lookUp(IdempotencyKey(key: "k1", route: "POST /v1/models", digest: "bb")) == nil)
  }

  @Test("a key is forgotten after a day")
  func expiry() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let then = Timestamp(milliseconds: 1_700_000_000_000)
    _ = try submit(store, key, at: then)
    #expect(try store.lookUp(key, at: then.advanced(bySeconds: 86_399)) == .replayed(answer))
    #expect(try store.lookUp(key, at: then.advanced(bySeconds: 86_401)) == nil)
  }

  @Test("a job that is submitted ten times at once with one key is one job")
  func once() async throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let spec = try Specs.parsed(Specs.smallest)
    let key = key
    let answers = try await withThrowingTaskGroup(of: CreationAnswer.self) { group in
      for _ in 0..<10 {
        group.addTask {
          try store.submit(spec, key: key) { StoredAnswer(status: 201, headers: [], body: Data($0.id.utf8)) }
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    let job = try #require(try store.jobs().elements.first?.job)
    let first = StoredAnswer(status: 201, headers: [], body: Data(job.id.utf8))
    #expect(answers.count == 10)
    #expect(answers.filter { $0 == .created(first) }.count == 1)
    #expect(answers.filter { $0 == .replayed(first) }.count == 9)
    #expect(try store.jobs().elements.count == 1)
    let other = IdempotencyKey(key: key.key, route: key.route, digest: "bb")
    #expect(try submit(store, other) == .otherBody)
  }
}
