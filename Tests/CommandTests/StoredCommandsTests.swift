import Foundation
import JSON
import Jobs
import Testing

/// Data sets and models that the command line uploads, names and deletes.
@Suite("The commands of data sets and models") struct StoredCommandsTests {
  /// A file of MNIST's format: zero, zero, unsigned bytes, rank, extents, values.
  private static func idx(_ extents: [UInt8], _ value: (Int) -> UInt8) -> Data {
    let head: [UInt8] = [0, 0, 8, UInt8(extents.count)]
    let sizes: [UInt8] = extents.flatMap { extent -> [UInt8] in [0, 0, 0, extent] }
    return Data(head + sizes + (0..<extents.reduce(1) { $0 * Int($1) }).map(value))
  }

  private static func mnist(in space: Workspace) throws -> String {
    let folder = space.url.appendingPathComponent("numbers")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (part, count) in [("train", UInt8(20)), ("t10k", 10)] {
      try idx([count, 4, 4]) { UInt8($0 * 7 % 256) }.write(to: folder.appendingPathComponent("\(part)-images-idx3-ubyte"))
      try idx([count]) { UInt8($0 % 2) }.write(to: folder.appendingPathComponent("\(part)-labels-idx1-ubyte"))
    }
    return folder.path
  }

  @Test("a folder and a weight file are uploaded, listed, shown by name and deleted") func wholeFlow() async throws {
    let space = try Workspace()
    let service = try await LocalService(in: space)
    func run(_ arguments: String...) async throws -> Executable.Outcome {
      try await Executable(arguments + ["--server", service.url]).end()
    }
    let uploaded = try await run("dataset", "upload", try Self.mnist(in: space))
    let id = uploaded.output.trimmingCharacters(in: .newlines)
    #expect(uploaded.code == 0 && Identifier.dataset.matches(id), "\(uploaded.errors)")
    #expect(try await run("dataset", "list").output.contains("numbers"))
    for reference in ["numbers", "latest", String(id.suffix(6)), id] {
      let shown = try await run("dataset", "show", reference, "--json")
      #expect(try JSONValue(parsing: shown.output)["id"]?.string == id, "\(reference): \(shown.errors)")
    }
    let unknown = try await run("dataset", "show", "nothing")
    #expect(unknown.code == 2 && unknown.errors.contains("temper dataset list shows"))

    #expect(try await Executable.run("run", "-", "--out", space.path("out"), input: TinySpec.train()).code == 6)
    let weights = try await run("model", "upload", space.path("out/checkpoints/last.safetensors"), "--name", "mine")
    let model = weights.output.trimmingCharacters(in: .newlines)
    #expect(weights.code == 0 && Identifier.model.matches(model), "\(weights.errors)")
    #expect(try await run("model", "show", "mine").output.contains("tensors"))
    #expect(try await run("model", "delete", "mine").code == 0)
    #expect(try await run("dataset", "delete", id).code == 0)
    #expect(try await run("model", "list").output.split(separator: "\n").count == 1)

    for (arguments, words) in [
      (["dataset", "upload", space.path("nothing.npz")], "there is no such file or folder"),
      (["dataset", "upload", space.path("out")], "say it with --format"),
      (["model", "upload", space.path("nothing.onnx")], "there is no such file"),
    ] {
      let refused = try await Executable(arguments + ["--server", service.url]).end()
      #expect(refused.code == 2 && refused.errors.contains(words), "\(arguments): \(refused.errors)")
    }
    _ = try await service.stop()
  }
}
