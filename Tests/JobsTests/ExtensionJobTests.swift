import Files
import Foundation
import JSON
import TensorEngine
import Testing
import Training

import Jobs

/// Real jobs that go on with finished ones.
@Suite(.serialized) struct ExtensionJobTests {
  private struct House {
    let store: Store
    let registry: Registry
    let workers: Workers

    init(_ folder: TestFolder, keepsEnds: Bool = true) throws {
      store = try Store(at: folder.url)
      registry = Registry(store)
      workers = Workers(store: store, registry: registry, engine: Engine(threads: 2), keepsEnds: keepsEnds)
      try workers.start()
    }

    func submit(_ document: JSONValue) throws -> String {
      let id = try store.submit(SpecCheck(registry).accept(document).spec).id
      workers.wakeUp()
      return id
    }

    func extend(_ id: String, _ request: JSONValue = ["epochs": 2]) throws -> String {
      let answer = try store.submitExtension(
        of: id, by: ExtensionRequest(reading: request), key: nil, accept: { try SpecCheck(registry).accept($0) },
        answer: { StoredAnswer(status: 201, headers: [], body: Data($0.id.utf8)) })
      guard case .created(let made) = answer else { throw NotFound(id) }
      workers.wakeUp()
      return String(decoding: made.body, as: UTF8.self)
    }

    func ended(_ id: String) async throws -> Job {
      _ = try await eventually { try store.job(id).state.isTerminal }
      return try store.job(id)
    }

    /// The SHA-256 of the checkpoint of each role.
    func sums(_ id: String) throws -> [String: String] {
      Dictionary(uniqueKeysWithValues: try store.checkpoints(of: id).map { ($0.checkpoint.role.rawValue, $0.sha256) })
    }
  }

  @Test("a job is extended, twice to the same bits, and those are the bits of its own spec from the beginning")
  func extend() async throws {
    let folder = try TestFolder()
    let house = try House(folder)
    defer { _ = house.workers.drain(within: 10) }
    let first = try house.submit(Specs.quick.setting("/labels", to: ["branch": "main", "sweep": "swp_1"]))
    #expect(try await house.ended(first).state == .succeeded)
    let before = try house.store.job(first)
    let jobs = try [house.extend(first), house.extend(first)]
    for id in jobs {
      let ended = try await house.ended(id)
      #expect(ended.state == .succeeded, "\(ended.reason ?? "")")
    }
    let job = try house.store.job(jobs[0])
    #expect(job.extendedFrom == first && job.labels == ["branch": "main"])
    #expect(job.transitions.first?.reason == "it goes on where \(first) ended")
    #expect(
      try job.spec["training"]?["extensions"]
        == [["epochs": 2, "schedule": ["name": "cosine"], "learning_rate": 0.1, "reset_optimizer": false]])
    #expect(try house.store.job(first) == before)
    #expect(try house.store.metrics(of: jobs[0]).points.map(\.epoch) == [1, 2, 3, 4])
    #expect(try Array(house.store.metrics(of: jobs[0]).points.prefix(2)) == house.store.metrics(of: first).points)
    #expect(try house.sums(jobs[0]) == house.sums(jobs[1]))
    #expect(try house.sums(jobs[0])["last"] != house.sums(first)["last"])
    #expect(try house.sums(jobs[0])["base"] == house.sums(first)["base"])
    let straight = try house.submit(job.spec)
    #expect(try await house.ended(straight).state == .succeeded)
    #expect(try house.sums(straight) == house.sums(jobs[0]))
    // And once more, on from the extension.
    let further = try house.extend(jobs[0], ["epochs": 1, "schedule": ["name": "constant"], "learning_rate": 0.005])
    #expect(try await house.ended(further).state == .succeeded)
    #expect(try house.store.metrics(of: further).points.map(\.epoch) == [1, 2, 3, 4, 5])
    #expect(try house.store.metrics(of: further).points.last?.values["learning_rate"] == 0.005)
  }

  @Test("without the state that it ended with a job is extended from its last checkpoint, which it says") func withoutState() async throws {
    let folder = try TestFolder()
    let house = try House(folder, keepsEnds: false)
    defer { _ = house.workers.drain(within: 10) }
    let first = try house.submit(Specs.quick)
    #expect(try await house.ended(first).state == .succeeded)
    let folderOfFirst = house.store.directory.job(first).path
    #expect(try await eventually { !FileManager.default.fileExists(atPath: folderOfFirst) })
    let jobs = try [house.extend(first), house.extend(first)]
    for id in jobs {
      let ended = try await house.ended(id)
      #expect(ended.state == .succeeded, "\(ended.reason ?? "")")
    }
    let job = try house.store.job(jobs[0])
    #expect(job.warnings.contains { $0.code == "optimizer_begins_anew" })
    #expect(job.transitions.first?.reason?.contains("no longer there") == true)
    #expect(try house.sums(jobs[0]) == house.sums(jobs[1]))
    let straight = try house.submit(job.spec)
    #expect(try await house.ended(straight).state == .succeeded)
    #expect(try house.sums(straight) == house.sums(jobs[0]))
  }

  @Test("an extension that was paused and begun again in another process ends in the same bits") func paused() async throws {
    let folder = try TestFolder()
    var house: House? = try House(folder)
    let first = try #require(try house?.submit(Specs.quick))
    #expect(try await house?.ended(first).state == .succeeded)
    let request: JSONValue = ["epochs": 60]
    let straight = try #require(try house?.extend(first, request))
    #expect(try await house?.ended(straight).state == .succeeded)
    let stopped = try #require(try house?.extend(first, request))
    #expect(try await eventually { try (house?.store.metrics(of: stopped).points.count ?? 0) > 8 })
    #expect(house?.workers.drain(within: 10) == true)
    try house?.store.close()
    house = nil
    let again = try House(folder)
    defer { _ = again.workers.drain(within: 10) }
    let job = try await again.ended(stopped)
    #expect(job.state == .succeeded && job.attempt == 2)
    #expect(!job.warnings.contains { $0.code == "saved_state_damaged" })
    #expect(try again.sums(stopped) == again.sums(straight))
  }

  @Test("a job that has not succeeded, or trains nothing that could go on, is refused in words") func refused() async throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let registry = Registry(store)
    func refusal(_ spec: JSONValue, _ states: [JobState]) throws -> String {
      let id = try store.submit(SpecCheck(registry).accept(spec).spec).id
      for state in states { try store.move(id, to: state) }
      let error = try #require(throws: CannotExtend.self) {
        try store.submitExtension(
          of: id, by: ExtensionRequest(reading: ["epochs": 1]), key: nil, accept: { try SpecCheck(registry).accept($0) },
          answer: { _ in StoredAnswer(status: 201, headers: [], body: Data()) })
      }
      return error.description
    }
    #expect(try refusal(Specs.quick, []).contains("has not ended"))
    #expect(try refusal(Specs.quick, [.running, .failed]).contains("resume it"))
    #expect(try refusal(Specs.quick, [.cancelled]).contains("cancelled"))
    #expect(try refusal(Specs.quick.setting("/training/epochs", to: 0), [.running, .succeeded]).contains("base stage alone"))
    #expect(try store.jobs().elements.count == 4)
    #expect(Folder.names(in: folder.url.appendingPathComponent("jobs")).isEmpty)
    try store.close()
  }

  @Test("the state that a job ended with outlives a restart and goes after its days") func housekeeping() async throws {
    let folder = try TestFolder()
    var house: House? = try House(folder)
    let id = try #require(try house?.submit(Specs.quick))
    #expect(try await house?.ended(id).state == .succeeded)
    let job = folder.url.appendingPathComponent("jobs/\(id)")
    #expect(try await eventually { Folder.names(in: job).count == 1 })
    #expect(house?.workers.drain(within: 10) == true)
    try house?.store.close()
    house = nil
    #expect(try StoreCheck(folder.url).isWhole)
    let store = try Store(at: folder.url)
    #expect(Folder.names(in: job).count == 1)
    var settings = Housekeeper.Settings()
    settings.succeededStateDays = 0
    let housekeeper = Housekeeper(store, settings: settings)
    try housekeeper.start()
    #expect(try await eventually { !FileManager.default.fileExists(atPath: job.path) })
    housekeeper.end()
    try store.close()
  }
}
