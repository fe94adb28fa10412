import Foundation
import HTTP
import Testing

/// HTTPS, with curl and OpenSSL's own client on the other side.
@Suite("TLS", .serialized) struct TLSTests {
  @Test("requests, uploads and files pass through TLS whole, and a certificate that is not trusted is not taken")
  func transfers() async throws {
    let certificate = try TestCertificate()
    let file = try TemporaryFile(count: 3_000_000)
    let router = Router([
      .init(.get, "/file") { request, _ in try .file(file.open(), type: "x/y", etag: nil, for: request) },
      .init(.post, "/size") { request, _ in
        request.body.limit(to: 10_000_000)
        return .text("\(try await request.body.collect().count)")
      },
    ])
    try await withServer({ $0.tls = certificate.files }, handler: { try await router($0) }) { port, _, _ in
      let url = "https://localhost:\(port)"
      let copy = certificate.folder.appendingPathComponent("copy").path
      let answers = try run(
        [
          "curl", "-sS", "--max-time", "30", "--cacert", certificate.certificate, "\(url)/file", "-o", copy, "-w",
          "%{http_code} %{num_connects} %{http_version}\n", "--next", "-sS", "--cacert", certificate.certificate, "--data-binary",
          "@\(file.path)", "\(url)/size",
        ])
      #expect(answers.output == "200 1 1.1\n3000000")
      #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == Data(file.bytes))
      #expect(try run(["curl", "-s", "--max-time", "30", url]).status == 60)
    }
  }

  @Test("TLS 1.2 and 1.3 are spoken, earlier ones are not; a client of another protocol is refused")
  func versions() async throws {
    let certificate = try TestCertificate()
    try await withServer({ $0.tls = certificate.files }, handler: { _ in .text("here") }) { port, _, _ in
      func client(_ options: String...) throws -> String {
        let command =
          "openssl s_client -connect localhost:\(port) -CAfile \(certificate.certificate) \(options.joined(separator: " ")) 2>&1 </dev/null"
        return try run(["sh", "-c", command]).output
      }
      #expect(try client("-tls1_3").contains("Cipher is TLS_"))
      #expect(try client("-tls1_2").contains("Cipher is ECDHE-"))
      #expect(try !client("-tls1_2", "-cipher", "AES128-SHA").contains("Cipher is AES128"))
      #expect(try !client("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0").contains("Cipher is ECDHE"))
      #expect(try client("-alpn", "h2,http/1.1").contains("ALPN protocol: http/1.1"))
      #expect(try client("-alpn", "h2").contains("no application protocol"))
      // Bytes that are no handshake, and a client that says nothing more.
      let plain = try RawClient(port: port)
      plain.send("GET / \(host)\r\n")
      _ = plain.receiveAll()
      #expect(plain.ended)
    }
  }

  @Test("a renewed certificate is taken for new connections, and an open one goes on") func reload() async throws {
    let certificate = try TestCertificate()
    try await withServer({ $0.tls = certificate.files }, handler: { .text($0.path) }) { port, server, _ in
      let old = certificate.folder.appendingPathComponent("old.pem").path
      try FileManager.default.copyItem(atPath: certificate.certificate, toPath: old)
      let open = Process()
      open.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      open.arguments = ["openssl", "s_client", "-quiet", "-connect", "localhost:\(port)", "-CAfile", old]
      let (input, output) = (Pipe(), Pipe())
      (open.standardInput, open.standardOutput, open.standardError) = (input, output, FileHandle.nullDevice)
      try open.run()
      defer { open.terminate() }
      func ask(_ path: String) -> String {
        input.fileHandleForWriting.write(Data("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
        var text = ""
        while !text.hasSuffix(path) {
          let bytes = output.fileHandleForReading.availableData
          if bytes.isEmpty { break }
          text += String(decoding: bytes, as: UTF8.self)
        }
        return text
      }
      #expect(ask("/before").contains("200 OK"))
      try certificate.renew()
      try server.reloadCertificates()
      #expect(ask("/after").contains("200 OK"))
      let url = "https://localhost:\(port)/"
      #expect(try run(["curl", "-s", "--max-time", "20", "--cacert", certificate.certificate, url]).output == "/")
      #expect(try run(["curl", "-s", "--max-time", "20", "--cacert", old, url]).status != 0)
      // Files that cannot be used change nothing.
      try Data("nothing".utf8).write(to: URL(fileURLWithPath: certificate.key))
      #expect(throws: (any Error).self) { try server.reloadCertificates() }
      #expect(try run(["curl", "-s", "--max-time", "20", "--cacert", certificate.certificate, url]).output == "/")
    }
  }

  @Test("a server does not start with a key of another certificate, and says so") func wrongKey() async throws {
    let (certificate, other) = (try TestCertificate(), try TestCertificate())
    var configuration = ServerConfiguration()
    configuration.tls = TLSFiles(certificate: certificate.certificate, key: other.key)
    let server = Server(configuration: configuration, logger: LogBook().logger) { _ in Response() }
    #expect { try server.start() } throws: { "\($0)".contains(other.key) }
  }

  @Test("a client without a certificate is refused where clients need one") func clientCertificates() async throws {
    let certificate = try TestCertificate()
    let files = TLSFiles(certificate: certificate.certificate, key: certificate.key, clientCA: certificate.certificate)
    try await withServer({ $0.tls = files }, handler: { _ in .text("here") }) { port, _, _ in
      let url = "https://localhost:\(port)/"
      let base = ["curl", "-s", "--max-time", "20", "--cacert", certificate.certificate]
      let without = try run(base + [url])
      #expect(without.output == "")
      let with = try run(base + ["--cert", certificate.certificate, "--key", certificate.key, url])
      #expect(with.output == "here")
    }
  }
}
