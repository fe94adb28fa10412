import Files
import Foundation
import GRDB
import Glibc

/// Whose folder it is: one that is not Temper's, or that lacks what it had, is refused before anything in it is touched.
extension DataDirectory {
  static func requireFolder(_ root: URL) throws {
    var status = stat()
    if stat(root.path, &status) == 0 {
      guard status.st_mode & S_IFMT != S_IFDIR else { return }
      throw DataDirectoryError(description: "\(root.path) is a file and no folder; name a folder for the data with --data")
    }
    guard lstat(root.path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return }
    throw DataDirectoryError(
      description: "\(root.path) is a link to something that is not there; make the folder that it leads to, or name another with --data")
  }

  /// Files are made in `incoming` and then renamed, which works on one disk alone.
  static func requireOneDisk(_ root: URL) throws {
    func disk(_ path: String) -> dev_t? {
      var status = stat()
      return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR ? status.st_dev : nil
    }
    let own = disk(root.path)
    for folder in folders where disk(root.appendingPathComponent(folder).path) != own {
      throw DataDirectoryError(
        description: """
          \(root.appendingPathComponent(folder).path) is no folder, or lies on another disk than \(root.path): files could not be renamed \
          into it; put the whole data directory on one disk
          """)
    }
  }

  /// A folder without a database is taken only when it is empty, or when Temper was cut off while it made it.
  static func refuseStrangers(_ root: URL) throws {
    let hasDatabase = ((try? OpenFile(root.appendingPathComponent("temper.sqlite")))?.size ?? 0) > 0
    if hasDatabase {
      let content = try content(ofDatabaseIn: root)
      if !content.isEmpty { return try requireFiles(root, content) }
    }
    let own = folders + ["lost+found", "lock", Heartbeat.name, noteOfLoss] + ["", "-wal", "-shm", "-journal"].map { "temper.sqlite\($0)" }
    let strangers = Folder.names(in: root).filter { !own.contains($0) }
    let left = remains(root, hasDatabase: hasDatabase)
    if strangers.isEmpty, left.isEmpty { return }
    guard strangers.isEmpty else {
      throw DataDirectoryError(
        description: """
          the folder \(root.path) is not empty and holds no Temper database (in it: \(strangers.prefix(3).joined(separator: ", "))); \
          nothing was touched: name an empty or a new folder with --data
          """)
    }
    throw DataDirectoryError(
      description: """
        the data directory \(root.path) has something in \(left.joined(separator: " and ")), but its database temper.sqlite is \
        missing or empty; nothing was touched: put the database back, or name an empty or a new folder with --data
        """)
  }

  /// What tells that there was a database. A log alone does once it holds a commit: SQLite writes the head of a database to the disk before
  /// it begins the log.
  private static func remains(_ root: URL, hasDatabase: Bool) -> [String] {
    let hasJobs = Folder.names(in: root.appendingPathComponent("jobs")).contains(where: Identifier.job.matches)
    let filled = folders.filter { holdsFiles(root.appendingPathComponent($0)) || $0 == "jobs" && hasJobs }
    let log = hasDatabase ? nil : WriteAheadLog(root.appendingPathComponent("temper.sqlite-wal"))
    return filled + (log.map { $0.wholeCommits > 0 } ?? false ? ["its log temper.sqlite-wal"] : [])
  }

  private struct Content {
    var isEmpty = false
    var namesFiles = false
  }

  /// What a database holds. One that is not Temper's is not touched, not even by opening it for writing.
  private static func content(ofDatabaseIn root: URL) throws -> Content {
    var configuration = Configuration()
    configuration.readonly = true
    let path = root.appendingPathComponent("temper.sqlite").path
    let found = try? DatabaseQueue(path: path, configuration: configuration).read { db -> (isOwn: Bool, content: Content) in
      let isEmpty = try Schema.columns(db).isEmpty
      // An earlier version named files in other columns.
      let namesFiles = (try? Store.filesOfRecords(db).isEmpty) == false
      return (try Schema.isOwn(db), Content(isEmpty: isEmpty, namesFiles: namesFiles))
    }
    // What cannot be read is a damaged one, where Temper's folders are beside it.
    guard found.map({ $0.content.isEmpty || $0.isOwn }) ?? holdsFolders(root) else {
      throw DataDirectoryError(
        description: """
          the folder \(root.path) holds a temper.sqlite that is no database of Temper's; nothing in it was touched: name an empty or \
          a new folder with --data
          """)
    }
    return found?.content ?? Content()
  }

  /// Without the folder of the files each of them would be called missing, though they may only lie elsewhere.
  private static func requireFiles(_ root: URL, _ content: Content) throws {
    // Before `files` there were these two.
    let holds = ["files", "datasets", "models"].contains { access(root.appendingPathComponent($0).path, F_OK) == 0 }
    guard content.namesFiles, !holds else { return }
    throw DataDirectoryError(
      description: """
        the database in \(root.path) names files, but the folder files is missing; nothing was touched: put the folder back (is its disk \
        mounted?), or make an empty one to go on without the files
        """)
  }

  private static func holdsFolders(_ root: URL) -> Bool {
    folders.allSatisfy { FileManager.default.fileExists(atPath: root.appendingPathComponent($0).path) }
  }

  private static func holdsFiles(_ folder: URL) -> Bool {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder) else { return false }
    guard isFolder.boolValue else { return true }
    return Folder.names(in: folder).contains { holdsFiles(folder.appendingPathComponent($0)) }
  }
}
