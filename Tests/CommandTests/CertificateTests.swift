import Foundation
import Testing

/// The commands against a service with a certificate that nobody else trusts.
@Suite("Certificates of the commands", .serialized) struct CertificateTests {
  @Test("a server is trusted by --cacert or TEMPER_CA alone, and sees the certificate that it asks for") func trust() async throws {
    let space = try Workspace()
    let made = try await Executable(
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", space.path("k.pem"), "-out",
        space.path("c.pem"), "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
      ], program: "/usr/bin/openssl"
    ).end()
    try #require(made.code == 0, "\(made.errors)")
    let files = "tls: {certificate: \(space.path("c.pem")), key: \(space.path("k.pem")), client_ca: \(space.path("c.pem"))}\n"
    try Data(files.utf8).write(to: URL(fileURLWithPath: space.path("temper.yaml")))
    let service = try await LocalService(in: space, "--config", space.path("temper.yaml"))
    let url = service.url.replacing("http:", with: "https:")
    let list = ["list", "--server", url, "--json"]
    let untrusted = try await Executable(list).end()
    #expect(untrusted.code == 5 && untrusted.errors.contains("--cacert"), "\(untrusted.errors)")
    let nameless = try await Executable(list + ["--cacert", space.path("c.pem")]).end()
    #expect(nameless.code == 5)
    let own = ["--cert", space.path("c.pem"), "--key", space.path("k.pem")]
    let shown = try await Executable(list + ["--cacert", space.path("c.pem")] + own).end()
    #expect(shown.code == 0, "\(shown.errors)")
    let variables = ["TEMPER_CA": space.path("c.pem"), "TEMPER_CERT": space.path("c.pem"), "TEMPER_KEY": space.path("k.pem")]
    #expect(try await Executable(list, environment: variables).end().code == 0)
    let missing = try await Executable(list + ["--cacert", space.path("none.pem")]).end()
    #expect(missing.code == 2 && missing.errors.contains("none.pem cannot be read"))
    _ = try await service.stop()
  }
}
