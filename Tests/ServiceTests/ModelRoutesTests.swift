import Files
import Foundation
import Models
import Robustness
import TensorEngine
import Testing

@Suite("Model routes")
struct ModelRoutesTests {
  @Test("weights are uploaded, listed, shown and deleted") func weightsAreUploadedListedShown() async throws {
    try await RunningService.with { service async throws in
      let weights = Weights([.init(name: "0.weight", tensor: Tensor([2, 3], values: [1, 2, 3, 4, 5, 6]))])
      let file = try service.file([UInt8](Safetensors(weights).encoded()))
      let made = try await Self.upload(service, file)
      #expect(made.status == 201, "\(made.text)")
      let id = try #require(made.json["id"]?.text)
      #expect(made.headers["location"] == "/v1/models/\(id)")
      #expect(made.json["sha256"]?.text == (try SHA256Digest.hex(ofFile: file)))
      #expect(made.json["parameters"] == 6)
      #expect(try await service.curl("/v1/models").json["data"]?.list.count == 1)
      #expect(try await service.curl("/v1/models/\(id)").json == made.json)
      #expect(try await service.curl("/v1/models/\(id)", "-X", "DELETE").status == 204)
      #expect(try await service.curl("/v1/models/\(id)").isProblem(404))
      #expect(service.storedFiles.isEmpty)
    }
  }

  @Test("what is no weight file leaves nothing on the disk") func whatIsNoWeightFile() async throws {
    try await RunningService.with({ $0.limits.modelBytes = 5000 }) { service async throws in
      let weights = Weights([.init(name: "w", tensor: Tensor([100], values: [Float](repeating: 1, count: 100)))])
      let file = [UInt8](Safetensors(weights).encoded())
      let truncated = try await Self.upload(service, try service.file(Array(file.dropLast(10))))
      #expect(truncated.isProblem(422))
      #expect(truncated.json["detail"]?.text?.contains("truncated") == true, "\(truncated.text)")
      #expect(try await Self.upload(service, try service.file([])).isProblem(422))
      let pickle = try await Self.upload(service, try service.file(Array("PK\u{3}\u{4}archive/data.pkl and so on".utf8)))
      #expect(pickle.isProblem(422) && pickle.text.contains("a pickle, which is never read"), "\(pickle.text)")
      let broken = Weights([.init(name: "conv.weight", tensor: Tensor([3], values: [1, .nan, 2]))])
      let diverged = try await Self.upload(service, try service.file([UInt8](Safetensors(broken).encoded())))
      #expect(diverged.isProblem(422) && diverged.text.contains("conv.weight holds a value that is not finite"), "\(diverged.text)")
      #expect(try await Self.upload(service, try service.file([UInt8](repeating: 0, count: 6000))).isProblem(413))
      #expect(try await Self.upload(service, try service.file(file), query: "?format=pickle").isProblem(400))
      let cutOff = try await RawClient.send(
        "POST /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\nxx",
        port: service.port)
      #expect(cutOff.isProblem(400))
      #expect(service.stored("incoming").isEmpty)
      #expect(service.storedFiles.isEmpty)
      #expect(try await service.curl("/v1/models").json["data"]?.list.isEmpty == true)
    }
  }

  @Test("an ONNX file that cannot be used is refused with every reason, and leaves nothing") func refusesONNX() async throws {
    try await RunningService.with { service async throws in
      let refused = try await Self.upload(service, try service.file(Array("<html>no model</html>".utf8)), query: "?format=onnx")
      #expect(refused.isProblem(422))
      #expect(refused.json["type"] == "urn:temper:problem:invalid_upload")
      #expect(refused.json["faults"]?.list.isEmpty == false, "\(refused.text)")
      #expect(service.storedFiles.isEmpty)
      #expect(service.stored("incoming").isEmpty)
    }
  }

  @Test("weights that do not describe their network cannot be had as ONNX, and are to be had as they came") func refusesConversion()
    async throws
  {
    try await RunningService.with { service async throws in
      let weights = Weights([.init(name: "0.weight", tensor: Tensor([2, 3], values: [1, 2, 3, 4, 5, 6]))])
      let file = try service.file([UInt8](Safetensors(weights).encoded()))
      let id = try #require(try await Self.upload(service, file).json["id"]?.text)
      let refused = try await service.curl("/v1/models/\(id)/weights?format=onnx")
      #expect(refused.isProblem(422) && refused.json["type"] == "urn:temper:problem:not_convertible", "\(refused.text)")
      #expect(try await service.curl("/v1/models/\(id)/weights").body == Data(contentsOf: file))
    }
  }

  private static func upload(_ service: RunningService, _ file: URL, query: String = "?name=m&format=safetensors") async throws -> Answer {
    try await service.curl("/v1/models" + query, "-H", "Content-Type: application/octet-stream", "--data-binary", "@\(file.path)")
  }
}
