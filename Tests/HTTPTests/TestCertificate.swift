import Foundation
import HTTP
import Testing

/// A folder with a certificate for localhost that signs itself, and its key.
final class TestCertificate {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID().uuidString)")
  var certificate: String { folder.appendingPathComponent("c.pem").path }
  var key: String { folder.appendingPathComponent("k.pem").path }
  var files: TLSFiles { TLSFiles(certificate: certificate, key: key) }

  init() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try renew()
  }

  /// Makes another certificate in the same place.
  func renew() throws {
    let made = try run(
      [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out",
        certificate, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
      ])
    try #require(made.status == 0)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }
}

/// Runs a program to its end.
func run(_ command: [String]) throws -> (output: String, status: Int32) {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = command
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  process.standardInput = FileHandle.nullDevice
  try process.run()
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return (String(decoding: data, as: UTF8.self), process.terminationStatus)
}
