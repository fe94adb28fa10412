import Foundation
import HTTP
import Testing

/// curl is an independent client.
private func curl(_ arguments: [String]) throws -> (output: String, status: Int32) {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = ["curl", "--silent", "--show-error", "--max-time", "20"] + arguments
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  try process.run()
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return (String(decoding: data, as: UTF8.self), process.terminationStatus)
}

struct CurlTests {
  private static func router(_ file: TemporaryFile) -> Router {
    Router([
      .init(.get, "/file") { request, _ in
        try .file(try file.open(), type: "application/octet-stream", etag: EntityTag(strong: "e"), for: request)
      },
      .init(.post, "/form") { request, _ in
        request.body.limit(to: 10_000_000)
        var lines: [String] = []
        var count = 0
        for try await event in try request.multipart() {
          switch event {
          case .part(let part):
            lines.append("\(part.name)=\(part.filename ?? "-"):")
            count = 0
          case .data(let bytes): count += bytes.count
          case .endOfPart: lines.append("\(count)\n")
          }
        }
        return .text(lines.joined())
      },
      .init(.put, "/upload") { request, _ in
        request.body.limit(to: 10_000_000)
        return .text("\(try await request.body.collect().count) \(request.headers[.transferEncoding] ?? "-")\n")
      },
      .init(.post, "/small") { request, _ in .text("\(try await request.body.collect(upTo: 100).count)\n") },
      .init(.get, "/events") { _, _ in
        .events { stream in
          for number in 1...3 { try await stream.send(ServerSentEvent(id: "\(number)", event: "metric", data: "{}")) }
        }
      },
    ])
  }

  private func serving(_ body: (String, TemporaryFile) async throws -> Void) async throws {
    let file = try TemporaryFile(count: 2_500_000)
    let router = Self.router(file)
    try await withServer(handler: { try await router($0) }) { port, _, _ in try await body("http://127.0.0.1:\(port)", file) }
  }

  @Test("uploads arrive whole in either framing") func uploadsArriveWholeInEitherFraming() async throws {
    try await serving { url, file in
      #expect(try curl(["-T", file.path, "\(url)/upload"]).output == "2500000 -\n")
      let chunked = try curl(["-T", file.path, "-H", "Transfer-Encoding: chunked", "\(url)/upload"])
      #expect(chunked.output == "2500000 chunked\n")
    }
  }

  @Test("a form with files is understood") func aFormWithFilesIsUnderstood() async throws {
    try await serving { url, file in
      let name = URL(fileURLWithPath: file.path).lastPathComponent
      let form = try curl(["-F", "train=@\(file.path)", "-F", "note=two words", "\(url)/form"])
      #expect(form.output == "train=\(name):2500000\nnote=-:9\n")
    }
  }

  @Test("a too large body is refused before it is sent") func aTooLargeBodyIsRefusedBeforeItIsSent() async throws {
    try await serving { url, file in
      let arguments = ["--data-binary", "@\(file.path)", "-H", "Expect: 100-continue", "--expect100-timeout", "10"]
      let sent = try curl(arguments + ["-o", "/dev/null", "-w", "%{http_code} %{size_upload}", "\(url)/small"])
      #expect(sent.output == "413 0" && sent.status == 0)
      // The answer arrives even if curl does not wait for 100 Continue.
      let hasty = try curl(["--data-binary", "@\(file.path)", "-H", "Expect:", "-w", "%{http_code}", "-o", "/dev/null", "\(url)/small"])
      #expect(hasty.output == "413")
    }
  }

  @Test("a broken download is taken up again") func aBrokenDownloadIsTakenUpAgain() async throws {
    try await serving { url, file in
      let part = try TemporaryFile(count: 1_000_000)
      #expect(try curl(["-C", "-", "-o", part.path, "\(url)/file"]).status == 0)
      #expect(try Data(contentsOf: URL(fileURLWithPath: part.path)) == Data(file.bytes))
      #expect(try curl(["-I", "\(url)/file"]).output.contains("Content-Length: 2500000\r\n"))
      #expect(try curl(["-r", "-3", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", "\(url)/file"]).output == "206 3")
    }
  }

  @Test("a connection is used again") func aConnectionIsUsedAgain() async throws {
    try await serving { url, _ in
      let both = try curl([
        "-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null", "-w", "%{http_code}:%{num_connects} ", "\(url)/events", "\(url)/missing",
        "\(url)/file",
      ])
      #expect(both.output == "200:1 404:0 200:0 ")
      #expect(try curl(["-N", "\(url)/events"]).output.hasPrefix("retry: 1000\n: connected\n\nid: 1\nevent: metric\ndata: {}\n\nid: 2\n"))
    }
  }
}
