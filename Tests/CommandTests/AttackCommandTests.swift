import Files
import Foundation
import JSON
import Testing

@Suite struct AttackCommandTests {
  /// A picture of waves, in colour.
  private func picture(_ space: Workspace) throws -> String {
    let pixels = (0..<20 * 30 * 3).map { UInt8(128 + 100 * sin(Double($0) / 11)) }
    try Data(PNGImage.encode(pixels, width: 30, height: 20)).write(to: space.url.appendingPathComponent("picture.png"))
    return space.path("picture.png")
  }

  @Test("a picture is attacked, and what is told of the written one is what the network sees in it")
  func attacks() async throws {
    let space = try Workspace()
    _ = try await Executable.run("run", "-", "--out", space.path("out"), input: TinySpec.train())
    let (image, model) = (try picture(space), space.path("out/checkpoints/base.safetensors"))
    let names = try space.write((0..<10).map { "digit \($0)" }.joined(separator: "\n"), to: "names.txt")
    func attack(_ image: String, _ out: String, _ more: String...) async throws -> (Int32, JSONValue, String) {
      let outcome = try await Executable(
        ["attack", image, "--model", model, "--out", space.path(out), "--json", "--classes", names] + more
      ).end()
      return (outcome.code, (try? JSONValue(parsing: outcome.output)) ?? .null, outcome.errors)
    }
    let (code, result, errors) = try await attack(image, "adversarial.png", "--epsilon", "80/255", "--steps", "60")
    #expect(code == 0, "\(errors)")
    #expect(result["fooled"] == true && result["before"]?.elements?.count == 5)
    #expect(result["before"]?.elements?.first?["name"] != result["written"]?.elements?.first?["name"])
    #expect((result["distance"]?.double ?? 1) <= 80 / 255 + 1e-6 && (result["written_distance"]?.double ?? 1) <= 80.5 / 255 + 1e-6)
    // Shown again without a change, the written picture is what was told of it.
    let (_, again, _) = try await attack(space.path("adversarial.png"), "same.png", "--epsilon", "0")
    #expect(again["before"] == result["written"] && again["written"] == result["written"] && again["fooled"] == false)
    #expect(try space.data("same.png") == space.data("adversarial.png"))
    let (_, aimed, _) = try await attack(image, "aimed.png", "--epsilon", "1", "--steps", "200", "--target", "digit 3", "--norm", "linf")
    #expect(aimed["written"]?.elements?.first?["label"] == 3 && aimed["fooled"] == true && aimed["target"] == 3)
    let text = try await Executable.run(
      "attack", image, "--model", model, "--out", space.path("text.png"), "--norm", "l2", "--epsilon", "3")
    #expect(text.code == 0 && text.output.hasPrefix("before: ") && text.output.contains("as written:"), "\(text.errors)")
  }

  @Test("weights that do not describe their network need its architecture; what cannot be is a usage error")
  func refusals() async throws {
    let space = try Workspace()
    let image = try picture(space)
    let junk = try space.write("PK\u{3}\u{4} and so on, for long enough to be a file", to: "net.pth")
    func errors(_ arguments: String...) async throws -> String {
      let outcome = try await Executable(["attack"] + arguments + ["--out", space.path("x.png")]).end()
      #expect(outcome.code == 2 && !space.exists("x.png"), "\(outcome.output)\(outcome.errors)")
      return outcome.errors
    }
    #expect(try await errors(image, "--model", junk).contains("a pickle, which is never read"))
    #expect(try await errors(image, "--model", space.path("none")).contains("there is no file"))
    #expect(try await errors(image, "--model", "mdl_short").contains("named by its id, mdl_…, or as a job's checkpoint"))
    #expect(try await errors(junk, "--model", junk).contains("those of no picture"))
    #expect(try await errors(image, "--model", junk, "--epsilon", "2").contains("--epsilon must be"))
    #expect(try await errors(image, "--model", junk, "--size", "8x8").contains("--size must be HEIGHT,WIDTH"))
  }
}
