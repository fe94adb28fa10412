import Foundation
import JSON
import Jobs
import Testing

/// A validator of JSON Schema that knows nothing of Temper: Python's jsonschema, where it is installed.
private enum Validator {
  static let isInstalled = (try? run("import jsonschema", input: "")) != nil

  /// Whether each document is valid by the schema, which itself is checked against the draft that it names.
  static func verdicts(_ documents: [JSONValue], by schema: JSONValue) throws -> [Bool] {
    let program = """
      import json, sys, jsonschema
      task = json.load(sys.stdin)
      validator = jsonschema.validators.validator_for(task["schema"], default=None)
      validator.check_schema(task["schema"])
      print(json.dumps([validator(task["schema"]).is_valid(document) for document in task["documents"]]))
      """
    let answer = try run(program, input: (["schema": schema, "documents": .array(documents)] as JSONValue).serialised())
    return try JSONValue(parsing: answer).decoded(as: [Bool].self)
  }

  private static func run(_ program: String, input: String) throws -> Data {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", program]
    let folder = try TestFolder()
    let file = folder.url.appendingPathComponent("input.json")
    try Data(input.utf8).write(to: file)
    process.standardInput = try FileHandle(forReadingFrom: file)
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let answer = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failed() }
    return answer
  }

  private struct Failed: Error {}
}

@Suite(.enabled(if: Validator.isInstalled, "Python's jsonschema is not installed (python3-jsonschema)"))
struct JobSchemaTests {
  @Test("every recipe is valid by the schema, as it is and as it is completed") func recipes() throws {
    let folder = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../config/recipes").standardized
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json") }
    let recipes = try names.map { try JSONValue(parsing: Data(contentsOf: folder.appendingPathComponent($0))) }
    let completed = try recipes.map { try JobSpec(reading: $0, origin: .commandLine).json }
    #expect(!recipes.isEmpty)
    #expect(try Validator.verdicts(recipes + completed, by: JobSpec.schema).allSatisfy { $0 })
  }

  static let more: [JSONValue] = [
    Specs.smallest.setting("/threat/epsilon", to: "8/255").setting("/evaluation/curve", to: ["4/255"]),
    Specs.smallest.setting("/training", to: nil).setting("/gates", to: .null).setting("/seed", to: .number(10)),
    Specs.smallest.setting("/dataset", to: ["path": "a", "format": "idx"]),
    Specs.smallest.setting("/evaluation/baseline", to: ["label.branch": "main"]),
    Specs.smallest.setting("/model", to: ["layers": [["type": "max_pool", "size": [2, 3]], ["type": "linear", "units": 10]]]),
    Specs.smallest.setting("/model", to: ["architecture": "vit_tiny", "patch": 2, "heads": 3]),
  ]

  @Test("what reads as a spec is valid by the schema, and so is the completed spec") func variants() throws {
    let documents = JobSpecJSONTests.variants + Self.more
    let completed = try documents.map { try JobSpec(reading: $0, origin: .commandLine).json }
    let verdicts = try Validator.verdicts(documents + completed, by: JobSpec.schema)
    for (document, isValid) in zip(documents + completed, verdicts) { #expect(isValid, "\(document.serialised())") }
  }

  /// Faults that no field can see by itself, and for that reason no schema: by pointer and value.
  static let unseen: Set<String> = [
    "/training/select \"averaged\"", "/training/bn_statistics \"frozen\"",
    "/training {\"method\":\"standard\",\"epsilon_warmup\":0.4}",
    "/training {\"schedule\":{\"name\":\"one_cycle\"},\"learning_rate_warmup\":0.1}",
    "/threat/epsilon 8", "/threat/epsilon \"300/255\"", "/training/attack/step_size \"0/255\"", "/kind \"evaluate\"",
    "/training {\"base_epochs\":0,\"epochs\":0}", "/training/schedule {\"name\":\"step\",\"milestones\":[6,6]}",
    "/training/schedule {\"name\":\"step\",\"milestones\":[50]}",
    "/training {\"method\":\"trades\",\"attack\":{\"random_start\":false}}",
    "/training {\"method\":\"mart\",\"attack\":{\"random_start\":false}}",
    "/training {\"method\":\"nfgsm\",\"attack\":{\"random_start\":true}}",
    "/training {\"method\":\"free\",\"attack\":{\"random_start\":true}}", "/training {\"method\":\"awp\",\"settings\":{\"beta\":6}}",
    "/training {\"method\":\"awp\",\"epochs\":4,\"settings\":{\"warmup_epochs\":4}}", "/evaluation/attacks [{\"name\":\"cw\"}]",
    "/training {\"attack\":{\"name\":\"cw\"}}", "/evaluation/threats [{\"norm\":\"linf\",\"epsilon\":2}]",
    "/evaluation/threats [{\"norm\":\"linf\",\"epsilon\":0.1}]",
    "/evaluation {\"attacks\":[{\"name\":\"cw\"}],\"threats\":[{\"norm\":\"l2\",\"epsilon\":1}]}",
    "/evaluation/baseline {\"branch\":\"main\"}", "/gates [{\"metric\":\"certified_accuracy\",\"min\":0.1}]",
    "/gates [{\"metric\":\"robust_accuracy\",\"min\":60}]", "/gates [{\"metric\":\"clean_accuracy\",\"max\":1.5}]",
    "/gates [{\"metric\":\"robust_accuracy\",\"against\":\"baseline\",\"min\":0}]",
    "/gates [{\"metric\":\"worst_class_accuracy\",\"class\":\"3\",\"min\":0.5}]",
    "/gates [{\"metric\":\"median_distance\",\"min\":0.5}]",
    "/gates [{\"metric\":\"robust_accuracy\",\"attack\":\"noise\",\"min\":0.5}]",
    "/gates [{\"metric\":\"clean_accuracy\",\"attack\":\"pgd\",\"min\":0.5}]",
  ]

  @Test("what is refused as a spec is not valid by the schema, but for what fields cannot see by themselves") func faults() throws {
    let table = JobSpecReadingTests.table
    let verdicts = try Validator.verdicts(table.map { Specs.smallest.setting($0.pointer, to: $0.value) }, by: JobSpec.schema)
    for (fault, isValid) in zip(table, verdicts) {
      #expect(isValid == Self.unseen.contains("\(fault.pointer) \(fault.value?.serialised() ?? "")"), "\(fault.testDescription)")
    }
  }
}
