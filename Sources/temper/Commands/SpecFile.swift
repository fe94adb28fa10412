import JSON
import Foundation
import Robustness

/// A job spec given on the command line: a file, or `-` for standard input.
struct SpecFile {
  let document: JSONValue
  /// Where its fields stand, for findings about them.
  let source: SpecSource
  /// The folder that relative paths in the spec start from.
  let folder: URL

  /// - Throws: `CommandFailure` (usage) when it cannot be read or is not JSON.
  init(_ argument: String) throws {
    let bytes: Data
    if argument == "-" {
      bytes = FileHandle.standardInput.readDataToEndOfFile()
      folder = URL(fileURLWithPath: FileManager.default.currentDirectoryPath, isDirectory: true)
    } else {
      let url = URL(fileURLWithPath: argument)
      do {
        bytes = try Data(contentsOf: url)
      } catch {
        throw CommandFailure(.usage, "the spec \(argument) cannot be read: \(FileFault.reason(error))")
      }
      folder = url.deletingLastPathComponent()
    }
    do {
      source = try SpecSource(uri: argument == "-" ? "" : RepositoryPath(of: URL(fileURLWithPath: argument)).uri, text: bytes)
      document = source.document
    } catch {
      throw CommandFailure(.usage, "the spec \(argument == "-" ? "on standard input" : argument) is not JSON: \(error)")
    }
  }
}
