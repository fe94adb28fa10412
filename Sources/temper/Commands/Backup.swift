import ArgumentParser
import Files
import Foundation
import Glibc
import HTTP
import JSON
import Jobs
import Logging
import Synchronization

struct Backup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Copy everything that a service keeps into one file, while it runs.",
    discussion: """
      The file is a tar archive of the database, of each file that it names, and of what running jobs would go on from, all of one moment, \
      with the digest of each in backup.json at its beginning. It takes its name once it was read back and every digest is right. \
      With --since it leaves out what earlier backups have; temper restore then needs them too, and none of them is written over. A damaged \
      file keeps no other from the backup: it is named on standard error, and the command exits with 1. Needs an admin's token where the \
      server has tokens; of a stopped service with --data.
      """)

  @Argument(help: "Where to; - writes to standard output, and reads nothing back.")
  var file: String
  @Option(help: ArgumentHelp("An earlier backup: what it has, or names, is left out.", valueName: "file"))
  var since: [String] = []
  @Option(help: ArgumentHelp("The data folder of a stopped service.", valueName: "dir"))
  var data: String?
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if data == "" { throw ValidationError("--data must be the path of a folder.") }
    if data != nil, server.address != nil { throw ValidationError("give --data for a stopped service, or --server for a running one") }
    if file.isEmpty { throw ValidationError("name the file to write, or - for standard output") }
    if file == "-", output.asJSON { throw ValidationError("--json goes to standard output, and so does the backup; leave out one of them") }
  }

  func run() async throws {
    do {
      let earlier = try since.map { try BackupArchive(URL(fileURLWithPath: $0)).manifest }
      try requireOther(than: earlier)
      let known = Array(Set(earlier.flatMap(\.files).map(\.sha256)))
      let manifest = try await file == "-" ? passed(without: known) : written(without: known)
      if file != "-" { StandardStream.output.write(output.asJSON ? document(manifest) : text(manifest)) }
      if !manifest.damaged.isEmpty {
        StandardStream.error.write("temper: \(lacking(manifest))\n")
        throw ExitStatus.jobFailed
      }
    } catch let error as BackupError {
      throw CommandFailure(.jobFailed, error.description)
    } catch let error as StorageError {
      throw CommandFailure(.usage, error.description)
    }
  }

  /// Before anything is written: the backups that a new one is to be restored with must stay.
  private func requireOther(than earlier: [BackupManifest]) throws {
    for path in since where Self.places(of: file).contains(where: { $0 == Self.place(path) }) {
      throw CommandFailure(
        .usage,
        "\(file == "-" ? "standard output" : file) would be written over \(path), which it is to be restored with: give it another name, or leave out --since"
      )
    }
    // What those leave out themselves is in others again.
    let left = Set(earlier.flatMap(\.files).map(\.sha256)).subtracting(earlier.flatMap(\.included).map(\.sha256))
    guard !left.isEmpty, file != "-", let old = try? BackupArchive(URL(fileURLWithPath: file)).manifest,
      old.included.contains(where: { left.contains($0.sha256) })
    else { return }
    throw CommandFailure(
      .usage,
      "\(file) is a backup that has what \(since.joined(separator: ", ")) leaves out, and would be written over: give the new one another name"
    )
  }

  private struct Place: Hashable {
    let device: dev_t
    let inode: ino_t
  }

  /// What is written to on the way to a backup.
  private static func places(of file: String) -> [Place] {
    guard file == "-" else { return [file, part(of: file)].compactMap(place) }
    var status = stat()
    return fstat(STDOUT_FILENO, &status) == 0 ? [Place(device: status.st_dev, inode: status.st_ino)] : []
  }

  /// Also of what a link leads to.
  private static func place(_ path: String) -> Place? {
    var status = stat()
    return stat(path, &status) == 0 ? Place(device: status.st_dev, inode: status.st_ino) : nil
  }

  private static func part(of file: String) -> String { file + ".part" }

  private func passed(without known: [String]) async throws -> BackupManifest {
    let passing = Mutex(PassingManifest())
    try await copy(without: known) { piece in
      passing.withLock { $0.take(piece) }
      try Self.write(piece, to: STDOUT_FILENO)
    }
    guard let manifest = passing.withLock({ $0.manifest }) else {
      throw BackupError("what was written is no backup of Temper's: it does not begin as one")
    }
    return manifest
  }

  /// Goes through FILE.part, so that no half of a backup has the name of one.
  private func written(without known: [String]) async throws -> BackupManifest {
    let target = URL(fileURLWithPath: file)
    let part = URL(fileURLWithPath: Self.part(of: file))
    Folder.remove(part)
    let sink = Mutex(try NewFile(part, title: file))
    try await copy(without: known) { piece in try sink.withLock { try $0.append(piece) } }
    let archive = try BackupArchive(part)
    try archive.verify()
    try sink.withLock { try $0.move(to: target) }
    return archive.manifest
  }

  /// Passes the archive piece by piece to `take`.
  private func copy(without known: [String], to take: @escaping @Sendable ([UInt8]) throws -> Void) async throws {
    if let data { return try await copy(ofFolder: data, without: known, to: take) }
    let request = ClientRequest(
      method: "POST", path: "/v1/backup", body: Data(JSONValue.object(["have": .array(known.map(JSONValue.string))]).serialised().utf8))
    let refusal = Mutex<(head: WebHead?, body: Data)>((nil, Data()))
    try await server.client().transfer(
      request,
      consumer: WebTransfer.Consumer(
        head: { head in
          if head.status != 200 { refusal.withLock { $0.head = head } }
        },
        data: { data in
          let isGood = refusal.withLock { refusal in
            if refusal.head != nil { refusal.body += data }
            return refusal.head == nil
          }
          if isGood { try take([UInt8](data)) }
        }))
    let (head, body) = refusal.withLock { $0 }
    if let head { throw Refusal(status: head.status, headers: head.headers, body: body) }
  }

  private func copy(ofFolder path: String, without known: [String], to take: @escaping @Sendable ([UInt8]) throws -> Void) async throws {
    let store: Store
    do {
      var logger = Logger(label: "temper")
      logger.logLevel = .error
      store = try Store(DataDirectory(URL(fileURLWithPath: path, isDirectory: true), notice: StandardStream.notice), logger: logger)
    } catch let error as DataDirectoryError {
      throw CommandFailure(.usage, "\(error)")
    }
    let snapshot = try store.backup(without: Set(known))
    try await snapshot.write { try take($0) }
    snapshot.end()
    try store.close()
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) throws {
    var written = 0
    while written < bytes.count {
      let done = written
      written += try systemCall("the backup cannot be written") {
        bytes[done...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      }
    }
  }

  private func text(_ manifest: BackupManifest) -> String {
    let (all, new) = (manifest.files.count, manifest.included.count)
    let left = all > new ? ", \(all - new) left out" : ""
    return
      "\(file): \(manifest.jobs) \(manifest.jobs == 1 ? "job" : "jobs"), \(new) files of \(manifest.bytes) bytes\(left), every digest right\n"
  }

  /// What a backup lacks, a line for each file.
  private func lacking(_ manifest: BackupManifest) -> String {
    let count = manifest.damaged.count
    let lines = manifest.damaged.map { "\n  \($0.id): \($0.detail)" }
    return """
      the backup was made and lacks \(count == 1 ? "a file that is" : "\(count) files that are") damaged; put the bytes back, or delete what \
      they belong to:\(lines.joined())
      """
  }

  private func document(_ manifest: BackupManifest) -> String {
    let result: JSONValue = [
      "file": .string(file), "created_at": .string(manifest.createdAt), "jobs": .int(Int64(manifest.jobs)),
      "files": .int(Int64(manifest.included.count)), "left_out": .int(Int64(manifest.files.count - manifest.included.count)),
      "bytes": .int(Int64(manifest.bytes)), "damaged": .array(manifest.damaged.map { .string($0.id) }),
    ]
    return result.serialised(pretty: true) + "\n"
  }
}
