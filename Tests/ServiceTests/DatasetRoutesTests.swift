import Files
import Datasets
import Foundation
import Robustness
import Testing

@Suite("Data set routes")
struct DatasetRoutesTests {
  @Test("four IDX files become a data set, which is listed, used, and deleted when no job needs it") func fourIDXFilesBecome()
    async throws
  {
    try await RunningService.with { service async throws in
      let made = try await Self.upload(service, ImageFiles.images(40))
      #expect(made.status == 201, "\(made.text)")
      let id = try #require(made.json["id"]?.text)
      #expect(made.headers["location"] == "/v1/datasets/\(id)")
      #expect(made.json["shape"] == [4, 4, 1])
      #expect(made.json["classes"] == 2)
      #expect(made.json["train"]?["count"] == 40)
      #expect(service.stored("incoming").isEmpty)
      let files = service.storedFiles
      #expect(files.count == 1)

      let list = try await service.curl("/v1/datasets")
      #expect(list.json["data"]?.list.compactMap { $0["id"]?.text } == [id, "digits"])
      let one = try await service.curl("/v1/datasets/\(id)")
      #expect(one.json["name"] == "small")
      #expect(try await service.curl("/v1/datasets/\(id)", "-H", "If-None-Match: \(one.headers["etag"] ?? "")").status == 304)

      let job = try await service.submit(Spec.endless(id))
      let refused = try await service.curl("/v1/datasets/\(id)", "-X", "DELETE")
      #expect(refused.isProblem(409))
      #expect(refused.json["jobs"] == [.string(job)])
      _ = try await service.curl("/v1/jobs/\(job)/cancel", "-X", "POST")
      _ = try await service.job(job)
      #expect(try await service.curl("/v1/datasets/\(id)", "-X", "DELETE").status == 204)
      #expect(try await service.curl("/v1/datasets/\(id)").isProblem(404))
      #expect(try await service.curl("/v1/datasets/\(id)", "-X", "DELETE").isProblem(404))
      #expect(!service.storedFiles.contains(files[0]))
      #expect(try await service.curl("/v1/datasets/digits", "-X", "DELETE").isProblem(409))
    }
  }

  @Test("the first images of each class are a picture; rows of features have none, and the answer says so") func samples() async throws {
    try await RunningService.with { service async throws in
      let picture = try await service.curl("/v1/datasets/digits/samples.png")
      #expect(picture.status == 200 && picture.headers["content-type"] == "image/png")
      // Ten rows of 48 pixels and 4 between them; a name and ten images in each.
      #expect(picture.body.subdata(in: 16..<24) == Data([0, 0, 2, 0x22, 0, 0, 2, 0x1C]))
      #expect(
        try await service.curl("/v1/datasets/digits/samples.png", "-H", "If-None-Match: \(picture.headers["etag"] ?? "")").status == 304)
      #expect(try await service.curl("/v1/datasets/ds_00000000000000000000000000/samples.png").isProblem(404))
    }
  }

  @Test("an NPZ archive becomes a data set, once for a key") func npzArchiveBecomes() async throws {
    try await RunningService.with { service async throws in
      let file = try service.file(ImageFiles.npz(train: 20, test: 10))
      var answers: [Answer] = []
      for _ in 0..<2 {
        answers.append(
          try await service.curl(
            "/v1/datasets?name=tiny&format=npz", "-H", "Content-Type: application/octet-stream", "-H", "Idempotency-Key: once",
            "--data-binary", "@\(file.path)"))
      }
      #expect(answers.map(\.status) == [201, 201], "\(answers[0].text)")
      #expect(answers[1].headers["idempotency-replayed"] == "true")
      #expect(answers[0].body == answers[1].body)
      #expect(answers[0].json["sha256"]?.text == (try SHA256Digest.hex(ofFile: file)))
      let other = try await service.curl(
        "/v1/datasets?name=other&format=npz", "-H", "Content-Type: application/octet-stream", "-H", "Idempotency-Key: once",
        "--data-binary", "@\(file.path)")
      #expect(other.isProblem(422))
      #expect(service.stored("files").count == 1)
      #expect(service.stored("incoming").isEmpty)
    }
  }

  @Test("pictures in an archive become a data set; several files of a part do where the format takes them") func pictures() async throws {
    try await RunningService.with { service async throws in
      var entries: [(name: String, bytes: [UInt8])] = []
      for folder in ["train/cat", "train/dog", "test/cat", "test/dog"] {
        for place in 0..<3 {
          let pixels = [UInt8](repeating: UInt8(place * 60), count: 5 * 4 * 3)
          entries.append((name: "mine/\(folder)/\(place).png", bytes: try PNGImage.encode(pixels, width: 5, height: 4)))
        }
      }
      let file = try service.file(ImageFiles.archive(entries))
      func upload(_ query: String, type: String = "application/zip") async throws -> Answer {
        try await service.curl(
          "/v1/datasets?name=pets&format=images\(query)", "-H", "Content-Type: \(type)", "--data-binary", "@\(file.path)")
      }
      let made = try await upload("&resize=8,6")
      #expect(made.status == 201, "\(made.text)")
      #expect(made.json["shape"] == [8, 6, 3] && made.json["class_names"] == ["cat", "dog"] && made.json["format"] == "images")
      #expect(made.json["train"]?["count"] == 6 && made.json["test"]?["per_class"] == [3, 3])
      #expect(try await upload("", type: "application/octet-stream").json["shape"] == [4, 5, 3])
      for wrong in ["resize=8", "resize=8x6", "resize=0,8"] {
        #expect(try await upload("&" + wrong).isProblem(400), "\(wrong)")
      }
      // Right by themselves, and not with this format.
      for wrong in ["scale=2", "layout=nchw"] { #expect(try await upload("&" + wrong).isProblem(422), "\(wrong)") }
      let cut = try service.file(Array(ImageFiles.archive(entries).dropLast(60)))
      let refused = try await service.curl(
        "/v1/datasets?format=images", "-H", "Content-Type: application/x-tar", "--data-binary", "@\(cut.path)")
      #expect(refused.isProblem(422) && refused.json["type"] == "urn:temper:problem:invalid_upload", "\(refused.text)")

      let batch = try service.file((0..<2).flatMap { [UInt8($0)] + [UInt8](repeating: 7, count: 3_072) })
      let cifar = try await service.curl(
        "/v1/datasets?format=cifar", "-F", "train=@\(batch.path)", "-F", "train=@\(batch.path)", "-F", "test=@\(batch.path)")
      #expect(cifar.status == 201 && cifar.json["train"]?["count"] == 4 && cifar.json["test"]?["count"] == 2, "\(cifar.text)")
      let table = try service.file(Array("label,a\ncat,0.5\ndog,1\n".utf8))
      let csv = try await service.curl("/v1/datasets?format=csv", "-F", "train=@\(table.path)", "-F", "test=@\(table.path)")
      #expect(csv.status == 201 && csv.json["class_names"] == ["cat", "dog"], "\(csv.text)")
      #expect(service.stored("incoming").isEmpty)
    }
  }

  @Test("what cannot be used is refused with a reason and leaves nothing on the disk") func whatCannotBeUsed() async throws {
    try await RunningService.with({ $0.limits.datasetBytes = 20_000 }) { service async throws in
      let short = try await Self.upload(service, ImageFiles.images(40, missing: 7))
      #expect(short.isProblem(422))
      #expect(short.json["part"] == "train_images", "\(short.text)")
      #expect(try await Self.upload(service, ImageFiles.labels(40)).isProblem(422))
      #expect(try await Self.upload(service, ImageFiles.images(40), parts: Array(ImageFiles.parts.dropLast())).isProblem(422))
      #expect(try await Self.upload(service, ImageFiles.images(40), parts: ImageFiles.parts + ["notes"]).isProblem(422))
      #expect(try await Self.upload(service, ImageFiles.images(40), parts: ImageFiles.parts + ["test_labels"]).isProblem(400))
      #expect(try await Self.upload(service, ImageFiles.images(2000)).isProblem(413))

      let file = try service.file(ImageFiles.npz(train: 20, test: 10))
      let path = "/v1/datasets?name=x&format=npz"
      #expect(try await service.curl(path, "--data-binary", "@\(file.path)").isProblem(415))
      #expect(try await service.curl("/v1/datasets?name=x", "--data-binary", "@\(file.path)").isProblem(400))
      #expect(try await service.curl("/v1/datasets?format=tiff", "--data-binary", "@\(file.path)").isProblem(400))
      let chunked = try await service.curl(
        path, "-H", "Content-Type: application/octet-stream", "-H", "Transfer-Encoding: chunked", "--data-binary",
        "@\(try service.file([UInt8](repeating: 1, count: 30_000)).path)")
      #expect(chunked.isProblem(413))
      let noArchive = try await service.curl(
        path, "-H", "Content-Type: application/octet-stream", "--data-binary", "@\(try service.file([1, 2, 3]).path)")
      #expect(noArchive.isProblem(422))
      #expect(!noArchive.text.contains(service.folder.path))

      let cutOff = try await RawClient.send(
        "POST \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\nPK",
        port: service.port)
      #expect(cutOff.isProblem(400))
      let part = "--b\r\nContent-Disposition: form-data; name=\"train_images\"\r\n\r\nxxxxxxxxxxx"
      let form = try await RawClient.send(
        "POST /v1/datasets?format=idx HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
          + "Content-Length: \(part.utf8.count)\r\n\r\n\(part)", port: service.port)
      #expect(form.isProblem(400))

      #expect(service.stored("incoming").isEmpty)
      #expect(service.storedFiles.isEmpty)
      #expect(try await service.curl("/v1/datasets").json["data"]?.list.count == 1)
    }
  }

  /// The parts of a data set of 40 and 20 images, with `trainImages` as the first part.
  private static func upload(_ service: RunningService, _ trainImages: [UInt8], parts: [String] = ImageFiles.parts) async throws -> Answer {
    let contents = [
      "train_images": trainImages, "train_labels": ImageFiles.labels(40), "test_images": ImageFiles.images(20),
      "test_labels": ImageFiles.labels(20),
    ]
    let (head, body) = (service.file(), service.file())
    let form = try parts.flatMap { ["-F", "\($0)=@\(try service.file(contents[$0] ?? [1]).path)"] }
    let run = try await Curl.run(
      ["-sS", "-D", head.path, "-o", body.path] + form + [service.url("/v1/datasets?name=small&format=idx")])
    try #require(run.status == 0, "\(run.errors)")
    return try Answer(head: Data(contentsOf: head), body: Data(contentsOf: body))
  }
}
