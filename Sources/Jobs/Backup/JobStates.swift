import Files
import Foundation
import Glibc
import Training

/// Copies of what jobs would go on from: the files of their folders at one moment.
struct JobStates {
  private let root: URL
  /// The names of the copies, by the id of the job.
  private let names: [String: [String]]

  /// Copies the folder of each job that has one. Saved states come before the images that they speak of: an image file only gains.
  ///
  /// - Throws: `StorageError`.
  init(copiedFrom directory: DataDirectory, to root: URL) throws {
    self.root = root
    var names: [String: [String]] = [:]
    let jobs = directory.jobFolders
    if !jobs.isEmpty { try Folder.make(root.appendingPathComponent("jobs", isDirectory: true)) }
    for id in jobs { names[id] = try Self.copy(directory.job(id), to: Self.folder(of: id, in: root), directory.space) }
    self.names = names
  }

  private static func folder(of id: String, in root: URL) -> URL { root.appendingPathComponent("jobs/\(id)", isDirectory: true) }

  private static func copy(_ source: URL, to target: URL, _ space: DiskSpace) throws -> [String] {
    // A file that is being written begins with a dot.
    let names = Folder.names(in: source).filter { !$0.hasPrefix(".") }
    let ordered = names.filter(isState) + names.filter { !isState($0) }
    guard !ordered.isEmpty else { return [] }
    try Folder.make(target)
    return try ordered.filter { name in
      // The job may end meanwhile, and a folder in it is none that a run in a service leaves.
      guard let file = try? OpenFile(source.appendingPathComponent(name)) else { return false }
      let place = target.appendingPathComponent(name)
      // A state never changes: it is replaced by another.
      if isState(name), link(source.appendingPathComponent(name).path, place.path) == 0 { return true }
      try space.requireRoom(for: file.size)
      let copy = try NewFile(place)
      try file.forEachPiece { try copy.append($0) }
      copy.keep()
      return true
    }
  }

  private static func isState(_ name: String) -> Bool { name.hasSuffix(".state") }

  /// The digests of the checkpoints that the states go on from, with the job.
  var namedFiles: [(sha256: String, id: String)] {
    names.keys.flatMap { id in
      TrainingRun.namedCheckpoints(in: Self.folder(of: id, in: root)).map { (sha256: $0.sha256, id: id) }
    }
  }

  /// The last saved state of each job that has one.
  var savedPoints: [String: Store.SavedPoint?] {
    names.reduce(into: [:]) { $0[$1.key] = Store.SavedPoint(in: Self.folder(of: $1.key, in: root)) }
  }

  /// Those of jobs that the database knows.
  func files(of jobs: Set<String>) throws -> [BackupManifest.File] {
    try names.filter { jobs.contains($0.key) }.sorted { $0.key < $1.key }.flatMap { id, names in
      try names.map { name in
        let file = try OpenFile(Self.folder(of: id, in: root).appendingPathComponent(name))
        return BackupManifest.File(path: BackupManifest.File.path(of: name, ofJob: id), sha256: try file.sha256(), bytes: file.size)
      }
    }
  }
}
