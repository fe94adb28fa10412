import Files
import Foundation

/// The files that the states of a run are written to by turns: while one is written, the others are whole.
///
///     StateSaver        copies what the run holds (`ResumeState` and arrays) between two batches
///     BackgroundSaver   when to save, and the thread that writes
///     ResumeFiles       which file is next, which is the newest that is whole
///     ResumeFile        the format of one: header, arrays, digest
///     SavedState        what the run tells of it: from where it would go on
struct ResumeFiles {
  let files: [ResumeFile]

  static let names = ["resume.a.state", "resume.b.state"]

  init(directory: URL) {
    files = Self.names.map { ResumeFile(url: directory.appendingPathComponent($0)) }
  }

  /// Removes all, and what a process left of them that was killed while it wrote.
  func remove() {
    for file in files { SealedFile(file.url).remove() }
  }

  // MARK: Headers

  /// What the header of a state says first of all.
  struct Summary: Decodable {
    let generation: Int
    let updates: Int
    let measuredShards: Int
    let validation: ValidationJournals.Snapshot
    let checkpoints: [CheckpointRole: Checkpoint]

    var saved: SavedState { SavedState(step: updates, position: updates + measuredShards + validation.finishedShards) }
  }

  /// Of every file whose header is whole, the newest first.
  var summaries: [Summary] {
    files.compactMap { try? $0.open(Summary.self)?.header }.sorted { $0.generation > $1.generation }
  }

  /// The files that are not what was written, and why.
  func damage() throws -> [(name: String, reason: String)] {
    try files.compactMap { file in
      do {
        try file.open(ResumeState.self)?.requireWhole()
        return nil
      } catch let damage as ResumeFile.Damage {
        return (file.name, damage.reason)
      }
    }
  }

  // MARK: Restoring

  /// What was found in the files of an earlier attempt.
  struct Found {
    /// The newest whole state; `nil` when there is none. Its arrays are in their places.
    var state: ResumeState?
    /// Which of the files it is in.
    var file: Int?
    /// Those that were damaged.
    var damaged: [(name: String, reason: String)] = []
  }

  /// Looks for the newest whole state, and reads its arrays into their places. Where it fails, the places may hold anything.
  ///
  /// - Parameters:
  ///   - fingerprint: of the run that is to go on.
  ///   - found: takes what is found; what an earlier call found damaged stays.
  ///   - setAside: takes a damaged file out of the way.
  /// - Throws: `TrainingError.cannotResume` when the state is another run's; `StorageError`, and what `setAside` throws.
  func restore(
    _ fingerprint: String, into places: [UnsafeMutableBufferPointer<Float>], _ found: inout Found,
    setAside: (URL, String) throws -> Void
  ) throws {
    func damaged(_ file: ResumeFile, _ damage: ResumeFile.Damage) throws {
      try setAside(file.url, damage.reason)
      found.damaged.append((file.name, damage.reason))
    }
    var open: [(index: Int, file: OpenResumeFile<ResumeState>)] = []
    for (index, file) in files.enumerated() {
      do {
        if let whole = try file.open(ResumeState.self) { open.append((index, whole)) }
      } catch let damage as ResumeFile.Damage {
        try damaged(file, damage)
      }
    }
    for (index, file) in open.sorted(by: { $0.file.header.generation > $1.file.header.generation }) {
      do {
        try file.requireWhole()
        guard file.header.fingerprint == fingerprint else { throw Self.otherRun }
        guard file.counts == places.map(\.count) else { throw ResumeFile.Damage(reason: "has the weights of another network") }
        try file.read(into: places)
        (found.state, found.file) = (file.header, index)
        return
      } catch let damage as ResumeFile.Damage {
        try damaged(files[index], damage)
      }
    }
  }

  private static let otherRun = TrainingError.cannotResume(
    "the saved state is that of a run with another dataset, network, threat, seed or settings; start the run anew")
}
