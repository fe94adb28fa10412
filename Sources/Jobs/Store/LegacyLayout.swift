import Datasets
import Files
import Foundation
import GRDB
import Glibc
import JSON
import Training

/// Brings a data directory of before files were named by their digest to what it is now: `datasets/ID`, `models/ID.safetensors`,
/// `jobs/ID/checkpoints` and `jobs/ID/report.json` become files of the file store. What cannot be taken over stays where it is.
struct LegacyLayout {
  private let store: Store
  private var root: URL { store.directory.root }
  private var files: FileStore { store.directory.files }

  init(_ store: Store) { self.store = store }

  func adopt() throws {
    guard ["datasets", "models"].contains(where: { FileManager.default.fileExists(atPath: root.appendingPathComponent($0).path) }) else {
      return
    }
    try adoptDatasets()
    for row in try rows("SELECT id, sha256 FROM models") {
      adopt(root.appendingPathComponent("models/\(row["id"] as String).safetensors"), row["sha256"])
    }
    for row in try rows("SELECT job, role, sha256 FROM checkpoints WHERE role IS NOT NULL") {
      let folder = store.directory.job(row["job"]).appendingPathComponent("checkpoints")
      adopt(folder.appendingPathComponent("\(row["role"] as String).safetensors"), row["sha256"])
    }
    try adoptReports()
    for name in ["datasets", "models"] { rmdir(root.appendingPathComponent(name).path) }
  }

  private func rows(_ sql: String) throws -> [Row] { try store.database.read { db in try Row.fetchAll(db, sql: sql) } }

  private func adopt(_ url: URL, _ sha256: String) {
    do {
      _ = try files.adopt(url, sha256: sha256)
    } catch {
      leave(url, error)
    }
  }

  private func adoptDatasets() throws {
    for row in try rows("SELECT id, name, format FROM datasets WHERE file IS NULL") {
      let folder = root.appendingPathComponent("datasets/\(row["id"] as String)", isDirectory: true)
      guard let format = DatasetFormat(rawValue: row["format"]) else { continue }
      let parts = format.parts.map { DatasetFile(part: $0, url: folder.appendingPathComponent($0)) }
      do {
        let file = try files.write { packed in
          _ = try DatasetSource.pack(
            format: format, files: parts, limits: DatasetLimits(uncompressedBytes: .max), into: packed, check: {})
        }
        try store.database.write { db in
          try db.execute(sql: "UPDATE datasets SET file = ? WHERE id = ?", arguments: [file.sha256, row["id"] as String])
        }
        Folder.remove(folder)
      } catch {
        leave(folder, error)
      }
    }
  }

  private func adoptReports() throws {
    for row in try rows("SELECT id FROM jobs WHERE state = 'succeeded' AND report IS NULL") {
      let id: String = row["id"]
      let url = store.directory.job(id).appendingPathComponent("report.json")
      do {
        let source = try OpenFile(url)
        let file = try files.write { report in try source.forEachPiece { try report.append($0) } }
        try store.database.write { db in try db.execute(sql: "UPDATE jobs SET report = ? WHERE id = ?", arguments: [file.sha256, id]) }
        Folder.remove(store.directory.job(id))
      } catch {
        leave(url, error)
      }
    }
  }

  private func leave(_ url: URL, _ error: any Error) {
    store.logger.error(
      "a file of the old layout cannot be taken over", metadata: ["file": "\(url.lastPathComponent)", "error": "\(error)"])
  }
}
