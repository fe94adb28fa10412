import Files
import Foundation
import JSON
import Testing

@Suite struct VerifyTests {
  @Test("run leaves an evidence that verify agrees with, and says so by its exit code and as JSON") func agrees() async throws {
    let space = try Workspace()
    _ = try await Executable.run("run", "-", "--out", space.path("out"), input: TinySpec.train())
    let (evidence, model) = (space.path("out/evidence.tar"), space.path("out/checkpoints/best_robust.safetensors"))
    let text = try await Executable.run("verify", evidence, "--model", model, "--data", "digits")
    #expect(text.code == 0, "\(text.output)\(text.errors)")
    #expect(text.output.contains("adversarial images agree\n") && text.output.hasSuffix("the evidence agrees\n"))
    let outcome = try await Executable.run("verify", evidence, "--model", model, "--threads", "1", "--json")
    let check = try JSONValue(parsing: outcome.output)
    #expect(outcome.code == 0 && check["agrees"] == true && check["evaluated"] == 100)
    #expect(check["images"] == check["agreeing"] && (check["images"]?.integer ?? 0) > 0)

    let other = try await Executable.run("verify", evidence, "--model", space.path("out/checkpoints/base.safetensors"))
    #expect(other.code == 3 && other.output.contains("these are other weights"))
    // A pixel of one of the first images: behind the entry's name are its own header and the array's.
    var bytes = try space.data("out/evidence.tar")
    let place = try #require(bytes.range(of: Data("images.npy".utf8))).upperBound + 400
    bytes[place] ^= 0x40
    try bytes.write(to: URL(fileURLWithPath: evidence))
    let changed = try await Executable.run("verify", evidence, "--model", model)
    #expect(changed.code == 3, "\(changed.output)\(changed.errors)")
    #expect(changed.output.contains("was changed: its SHA-256 is") && changed.output.hasSuffix("the evidence does not agree\n"))
  }

  @Test("what is no evidence ends with 1, a file that cannot be read with 2") func refusals() async throws {
    let space = try Workspace()
    let junk = try space.write("no tar archive", to: "junk.tar")
    let refused = try await Executable.run("verify", junk, "--model", junk)
    #expect(refused.code == 1 && refused.errors.contains("cannot be replayed"), "\(refused.errors)")
    #expect(try await Executable.run("verify", space.path("none.tar"), "--model", junk).code == 2)
    #expect(try await Executable.run("verify", junk).code == 2)
    #expect(try await Executable.run("verify", junk, "--model", junk, "--format", "idx").code == 2)
    #expect(try await Executable.run("verify", junk, "--model", junk, "--data", space.path("none.npz")).code == 2)
  }

  @Test("run makes adversarial images of a spec of kind generate, which a spec can name by path") func generate() async throws {
    let space = try Workspace()
    _ = try await Executable.run("run", "-", "--out", space.path("base"), input: TinySpec.train())
    let spec = """
      {"kind": "generate", "dataset": {"id": "digits", "limit": 200}, "threat": {"norm": "linf", "epsilon": 0.05},
       "model": {"architecture": "linear", "init": "\(space.path("base/checkpoints/base.safetensors"))"},
       "generation": {"attack": {"name": "fgsm"}, "part": "train"}}
      """
    let outcome = try await Executable.run("run", "-", "--json", "--out", space.path("made"), input: spec)
    let result = try JSONValue(parsing: outcome.output)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(result["parts"]?.elements?.first?["images"] == 200)
    #expect(try SHA256Digest.hex(ofFile: space.url.appendingPathComponent("made/dataset.npz")) == result["sha256"]?.string)
    let asked = try await Executable.run("run", "-", "--out", space.path("asked"), "--junit", space.path("gates.xml"), input: spec)
    #expect(asked.code == 2 && asked.errors.contains("--junit is of a report") && !space.exists("gates.xml"), "\(asked.errors)")
    let data = #"{"path": "\#(space.path("made/dataset.npz"))", "format": "npz"}"#
    let trained = try await Executable.run("run", "-", "--out", space.path("next"), input: TinySpec.train(dataset: data))
    #expect([0, 6].contains(trained.code), "\(trained.errors)")
    let generated = try await Executable.run("verify", space.path("made/evidence.tar"), "--model", space.path("made/dataset.npz"))
    #expect(generated.code == 1 && generated.errors.contains("of a job of kind generate"))
  }
}
