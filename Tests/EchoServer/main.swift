import Foundation
import Glibc
import HTTP
import Logging

// The HTTP module alone, for conformance tests of other people: it answers any method at any path with the body that came. `EchoServer PORT` listens
// on 127.0.0.1 until its standard input ends or it gets a signal. `Tests/Peers/conformance.py` starts it.

guard let port = CommandLine.arguments.dropFirst().first.flatMap(UInt16.init) else {
  FileHandle.standardError.write(Data("EchoServer PORT\n".utf8))
  exit(2)
}
var configuration = ServerConfiguration()
configuration.port = Int(port)
// A body that never comes is what some of the tests are about: the others are not to wait for it.
configuration.timeouts.body = 2
let server = Server(configuration: configuration, logger: Logger(label: "echo") { _ in SwiftLogNoOpLogHandler() }) { request in
  let bytes = try await request.body.collect()
  return .bytes(bytes, type: request.mediaType ?? "application/octet-stream")
}
do {
  let address = try server.start()
  FileHandle.standardOutput.write(Data("listening on 127.0.0.1:\(address.port)\n".utf8))
} catch {
  FileHandle.standardError.write(Data("port \(port): \(error)\n".utf8))
  exit(1)
}
while readLine() != nil {}
await server.drain(within: 1)
