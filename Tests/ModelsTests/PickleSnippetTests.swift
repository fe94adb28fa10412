import Foundation
import Models
import TensorEngine
import Testing

/// The three lines of the README that save what a `.pth` holds, in a Python that has torch and safetensors (`TEMPER_PYTHON`, by default python3).
@Suite("Weights from PyTorch by the README")
struct PickleSnippetTests {
  private static let python = ProcessInfo.processInfo.environment["TEMPER_PYTHON"] ?? "python3"

  private static func run(_ program: String, in folder: URL? = nil) -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [python, "-c", program]
    if let folder { process.currentDirectoryURL = folder }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return -1 }
    process.waitUntilExit()
    return process.terminationStatus
  }

  /// To import torch takes seconds, to look for it none.
  private static let hasTorch =
    run("import importlib.util as u, sys; sys.exit(not (u.find_spec('torch') and u.find_spec('safetensors')))") == 0

  @Test(
    "what they save of a checkpoint, or of a bare state dict, are weights of the network",
    .enabled(if: hasTorch, "there is no Python with torch and safetensors"))
  func snippet() throws {
    let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let readme = try String(contentsOf: repository.appendingPathComponent("README.md"), encoding: .utf8)
    let section = try #require(readme.components(separatedBy: "## Weights from PyTorch").dropFirst().first)
    let snippet = try #require(section.components(separatedBy: "```python\n").dropFirst().first?.components(separatedBy: "```").first)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("snippet-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let saves = [
      "net.state_dict()", "{'state_dict': {'module.' + k: v for k, v in net.state_dict().items()}, 'epoch': 3}",
      "{'n_averaged': torch.tensor(2), **{'module.' + k: v.t().contiguous().t() for k, v in net.state_dict().items()}}",
    ]
    for save in saves {
      let made = "import torch; torch.manual_seed(1); net = torch.nn.Sequential(torch.nn.Linear(3, 2))\ntorch.save(\(save), 'model.pth')\n"
      #expect(Self.run(made + snippet, in: folder) == 0, "\(save)")
      let file = try Safetensors(contentsOf: folder.appendingPathComponent("model.safetensors"))
      let layout = ParameterLayout([
        ParameterSpecification(name: "0.weight", shape: [2, 3], initial: .constant(0)),
        ParameterSpecification(name: "0.bias", shape: [2], initial: .constant(0)),
      ])
      #expect(try file.weights.tensors(for: layout).count == 2, "\(save)")
    }
  }
}
