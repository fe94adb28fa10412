import Foundation
import JSON
import Jobs
import Testing

@Suite("A sweep's spec") struct SweepSpecTests {
  private func check(_ mostJobs: Int = 64) -> SweepCheck {
    SweepCheck(SpecCheck(LocalCatalogue(folder: URL(fileURLWithPath: "/"))), mostJobs: mostJobs)
  }

  private func sweep(_ vary: JSONValue, _ mode: String = "grid", spec: JSONValue = Specs.smallest) -> JSONValue {
    ["spec": spec, "vary": vary, "mode": .string(mode)]
  }

  private func faults(_ document: JSONValue, mostJobs: Int = 64) -> [FieldFault] {
    do {
      _ = try check(mostJobs).accept(document, id: "swp_1")
      return []
    } catch {
      return error.faults
    }
  }

  private func values(_ document: JSONValue) throws -> [JSONValue] { try check().accept(document, id: "swp_1").jobs.map(\.values) }

  @Test("a grid has every combination, the last field changing fastest") func grid() throws {
    let found = try values(sweep(["threat.epsilon": [0.1, 0.2], "seed": [0, 1, 2]]))
    #expect(
      found == [
        ["threat.epsilon": 0.1, "seed": 0], ["threat.epsilon": 0.1, "seed": 1], ["threat.epsilon": 0.1, "seed": 2],
        ["threat.epsilon": 0.2, "seed": 0], ["threat.epsilon": 0.2, "seed": 1], ["threat.epsilon": 0.2, "seed": 2],
      ])
  }

  @Test("zip takes the first values together, then the second") func zip() throws {
    let found = try values(sweep(["threat.epsilon": [0.1, 0.2], "seed": [0, 1]], "zip"))
    #expect(found == [["threat.epsilon": 0.1, "seed": 0], ["threat.epsilon": 0.2, "seed": 1]])
  }

  @Test("each job's spec has its values, a name with them, the labels of both and the label of the sweep") func jobs() throws {
    let spec = Specs.smallest.setting("/labels/branch", to: "main").setting("/evaluation/attacks", to: [["name": "pgd", "steps": 3]])
    let document = sweep(["threat.epsilon": ["8/255"], "evaluation.attacks.0.steps": [5, 7]], spec: spec)
      .setting("/name", to: "steps").setting("/labels/team", to: "red")
    let accepted = try check().accept(document, id: "swp_1")
    let second = accepted.jobs[1].spec
    #expect(second.name == "steps threat.epsilon=8/255 evaluation.attacks.0.steps=7")
    #expect(second.labels == ["branch": "main", "team": "red", "sweep": "swp_1"])
    #expect(second.threat.epsilon == 8.0 / 255)
    #expect(second.json["evaluation"]?["attacks"]?.list.first?["steps"] == 7)
    #expect(accepted.jobs.allSatisfy { $0.peakBytes > 0 })
  }

  @Test("a field that only the sweep names may be missing in the spec") func missingField() throws {
    let spec: JSONValue = ["dataset": ["id": "digits"], "model": ["architecture": "linear"]]
    #expect(try values(sweep(["threat": [["norm": "linf", "epsilon": 0.1], ["norm": "l2", "epsilon": 0.5]]], spec: spec)).count == 2)
  }

  @Test("all faults of all jobs come in one answer, each once and at its place in the sweep") func places() {
    let spec = Specs.smallest.setting("/epsilom", to: 1)
    let found = faults(
      sweep(["threat.epsilon": [0.1, -1], "training.epochs": [1, "two"], "training.bacth_size": [3, 4], "seed": [0, 1]], spec: spec))
    #expect(
      found.map(\.pointer) == [
        "/spec/epsilom", "/vary/threat.epsilon/1", "/vary/training.bacth_size/0", "/vary/training.bacth_size/1",
        "/vary/training.epochs/1",
      ])
    #expect(found[2].detail.contains("did you mean batch_size?"))
    #expect(!found[0].detail.contains("jobs"))
  }

  @Test("a fault of some jobs alone is told with one of them") func someJobs() {
    let spec = Specs.smallest.setting("/evaluation/attacks", to: [["name": "deepfool"]])
    let found = faults(sweep(["threat.norm": ["linf", "l1"], "seed": [0, 1]], spec: spec))
    #expect(found.map(\.pointer) == ["/spec/evaluation/attacks/0/name"])
    #expect(found.first?.detail.contains("in 2 of 4 jobs, such as the one with threat.norm \"l1\", seed 0") == true, "\(found)")
  }

  @Test(
    "what cannot be varied is refused at its place",
    arguments: [
      (["threat..epsilon": [1]], "/vary/threat..epsilon", "names between dots"),
      (["labels.sweep": ["a"]], "/vary/labels.sweep", "sweep's id"),
      (["labels": [["a": "b"]]], "/vary/labels", "one by one"), (["seed": [0, 1, 0]], "/vary/seed/2", "value at 0 again"),
      (["threat": [["norm": "l2", "epsilon": 1]], "threat.epsilon": [1]], "/vary/threat.epsilon", "threat is varied too"),
      (["dataset.id.name": ["x"]], "/vary/dataset.id.name", "a string"), (["gates.1.min": [0.5]], "/vary/gates.1.min", "entries 0 to 0"),
      (["seed": 3], "/vary/seed", "must be a list"), (["seed": []], "/vary/seed", "1 to 1000 entries"), ([:], "/vary", "at least one"),
    ] as [(JSONValue, String, String)])
  func refused(_ vary: JSONValue, _ pointer: String, _ words: String) {
    let found = faults(sweep(vary, spec: Specs.smallest.setting("/gates", to: [["metric": "clean_accuracy", "min": 0.1]])))
    #expect(found.map(\.pointer) == [pointer], "\(found)")
    #expect(found.first?.detail.contains(words) == true, "\(found)")
  }

  @Test("lists of a zip that differ in length, and the same values twice, are refused") func unevenZip() {
    let uneven = faults(sweep(["seed": [0, 1], "threat.epsilon": [0.1]], "zip"))
    #expect(uneven.map(\.pointer) == ["/vary/threat.epsilon"] && uneven.first?.detail.contains("seed has 2 values") == true)
    #expect(faults(sweep(["seed": [0, 0], "threat.epsilon": [0.1, 0.2]], "zip")).isEmpty)
    let twice = faults(sweep(["seed": [0, 1, 0], "threat.epsilon": [0.1, 0.1, 0.1]], "zip"))
    #expect(twice.map(\.pointer) == ["/vary"] && twice.first?.detail.contains("at 2 are those at 0") == true)
  }

  @Test("more jobs than there may be are refused before any of them is looked at") func tooMany() {
    let many = JSONValue.array((0..<1_000).map { .int($0) })
    let found = faults(sweep(["seed": many, "training.epochs": many, "training.base_epochs": many, "priority": many]))
    #expect(found.map(\.pointer) == ["/vary"])
    #expect(found.first?.detail == "makes 1000000000000 jobs, and a sweep may have at most 64; vary less")
    #expect(faults(sweep(["seed": [0, 1, 2]]), mostJobs: 2).first?.detail.contains("makes 3 jobs") == true)
  }

  @Test("a misspelt field of the sweep, a wrong rule and a taken label are refused together") func ownFields() {
    let document = sweep(["seed": [0]]).setting("/mod", to: "grid").setting("/best", to: ["metric": "speed", "min": ["clean_accuracy": 2]])
      .setting("/labels/sweep", to: "mine")
    #expect(Set(faults(document).map(\.pointer)) == ["/mod", "/best/metric", "/best/min/clean_accuracy", "/labels/sweep"])
  }
}

extension JSONValue {
  fileprivate var list: [JSONValue] {
    guard case .array(let elements) = self else { return [] }
    return elements
  }
}
