import Foundation
import JSON
import Jobs
import Models
import Robustness
import TensorEngine
import Testing

@Suite("Certificates in a spec")
struct CertificateSpecTests {
  private let check = SpecCheck(LocalCatalogue(folder: URL(fileURLWithPath: "/")))

  private func faults(_ document: JSONValue) -> [FieldFault] {
    do {
      _ = try check.accept(document)
      return []
    } catch { return error.faults }
  }

  private func spec(_ certify: JSONValue, norm: String = "linf") -> JSONValue {
    Specs.quick.setting("/evaluation/certify", to: certify).setting("/threat/norm", to: .string(norm))
  }

  @Test("are completed by their defaults, with radii by the norm of the threat")
  func completed() throws {
    let bounds = try check.accept(spec(["method": "ibp"])).spec
    #expect(bounds.evaluation.certificate == .intervalBounds)
    #expect(bounds.json["evaluation"]?["certify"] == ["method": "ibp"])
    #expect(try check.accept(Specs.quick).spec.evaluation.certificate == nil)
    let smoothing = try check.accept(spec(["method": "smoothing"])).spec
    #expect(smoothing.json["evaluation"]?["certify"]?["radii"] == [0.25, 0.5, 0.75])
    let usual = CertificateSettings.Smoothing(sigma: 0.25, selection: 100, estimation: 10_000, alpha: 0.001, radii: [0.25, 0.5, 0.75])
    #expect(smoothing.evaluation.certificate == .smoothing(usual))
    #expect(try JobSpec(reading: smoothing.json) == smoothing)
    let inL2 = try check.accept(spec(["method": "smoothing", "sigma": 0.5], norm: "l2").setting("/threat/epsilon", to: 0.4)).spec
    #expect(inL2.json["evaluation"]?["certify"]?["radii"] == [0.4])
  }

  @Test("by bounds are refused in another norm, and where a layer has none, which is named")
  func refused() {
    let other = faults(spec(["method": "ibp"], norm: "l2"))
    #expect(other.map(\.pointer) == ["/evaluation/certify/method"] && other[0].detail.contains("smoothing"))
    let transformer = faults(spec(["method": "ibp"]).setting("/model", to: ["architecture": "vit_tiny"]))
    #expect(transformer.map(\.pointer) == ["/evaluation/certify/method"] && transformer[0].detail.contains("tokens"))
    let noisy = spec(["method": "smoothing"]).setting("/model/preprocessing", to: [["type": "noise", "sigma": 0.1]])
    #expect(faults(noisy).contains { $0.pointer == "/evaluation/certify/method" && $0.detail.contains("random already") })
  }

  @Test("a method that learns from bounds is refused where there are none", arguments: ["ibp", "mtl_ibp"])
  func methods(_ method: String) {
    let training = Specs.quick.setting("/training", to: ["method": .string(method), "epochs": 1])
    #expect(faults(training) == [])
    let other = faults(training.setting("/threat/norm", to: "l2"))
    #expect(other.map(\.pointer) == ["/training/method"] && other[0].detail.contains("linf"))
    let jpeg = faults(training.setting("/model/preprocessing", to: [["type": "jpeg"]]))
    #expect(jpeg.map(\.pointer) == ["/training/method"] && jpeg[0].detail.contains("jpeg"))
  }

  @Test("count in the estimate of work and of memory, and a gate may rest on them")
  func estimated() throws {
    let plain = try check.accept(Specs.quick)
    let bounds = try check.accept(spec(["method": "ibp"]).setting("/gates", to: [["metric": "certified_accuracy", "min": 0.5]]))
    let smoothing = try check.accept(spec(["method": "smoothing", "n0": 10, "n": 90]))
    func more(_ accepted: SpecCheck.Accepted) -> Double {
      accepted.estimate.floatingPointOperations - plain.estimate.floatingPointOperations
    }
    #expect(more(bounds) > 0 && abs(more(smoothing) / more(bounds) - 50) < 1e-6)
    #expect(bounds.footprint.jobBytes >= plain.footprint.jobBytes)
    #expect(bounds.estimate.evaluationSeconds > plain.estimate.evaluationSeconds)
    #expect(bounds.spec.gates.map(\.metric) == [.certifiedAccuracy])
    let attacked = faults(
      spec(["method": "ibp"]).setting("/gates", to: [["metric": "certified_accuracy", "min": 0.5, "attack": "pgd"]]))
    #expect(attacked.map(\.pointer) == ["/gates/0/attack"])
  }

  @Test("a job that learns from bounds begins with weights for which they do not grow, unless its settings say otherwise")
  func initialWeights() throws {
    func base(_ own: JSONValue) throws -> [Float] {
      let folder = try TestFolder()
      let document = Specs.quick.setting("/model", to: ["architecture": "lenet"])
        .setting("/training", to: ["method": "ibp", "base_epochs": 0, "epochs": 1, "settings": own])
      let catalogue = LocalCatalogue(folder: folder.url)
      let spec = try SpecCheck(catalogue).accept(document, origin: .commandLine).spec
      _ = try JobRunner(engine: Engine(threads: 2), catalogue: catalogue).run(spec, in: folder.url)
      let file = try Safetensors(contentsOf: folder.url.appendingPathComponent("checkpoints/base.safetensors"))
      return try #require(file.weights.entries.first { $0.name == "3.weight" }).tensor.values
    }
    func deviation(_ values: [Float]) -> Double {
      (values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(values.count)).squareRoot()
    }
    // 64 filters of 3×3 over 32 channels: √(2π) / 288, and PyTorch's uniform in ±1/√288.
    let (own, usual) = (deviation(try base([:])), deviation(try base(["bound_init": false])))
    #expect(abs(own / ((2 * Double.pi).squareRoot() / 288) - 1) < 0.03)
    #expect(abs(usual / (1 / (3 * 288.0).squareRoot()) - 1) < 0.03)
  }
}
