import Foundation

/// A file as code scanning names it: relative to the root of its repository, percent-encoded.
package struct RepositoryPath {
  package let uri: String

  /// The root is what a CI system says it is, else the nearest folder above with `.git`, else the current folder; a file outside of it is
  /// named alone, since no other machine knows its folders.
  package init(of file: URL, environment: [String: String] = ProcessInfo.processInfo.environment) {
    let folder = file.standardizedFileURL.deletingLastPathComponent().resolvingSymlinksInPath().pathComponents
    let declared = ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"].compactMap { environment[$0] }.filter { !$0.isEmpty }
      .map { URL(fileURLWithPath: $0, isDirectory: true).resolvingSymlinksInPath().pathComponents }
    let current = URL(fileURLWithPath: FileManager.default.currentDirectoryPath, isDirectory: true).resolvingSymlinksInPath().pathComponents
    let roots = declared + (Self.repository(above: folder).map { [$0] } ?? []) + [current]
    let below = roots.first { folder.starts(with: $0) }.map { folder.dropFirst($0.count) } ?? []
    uri = (below + [file.lastPathComponent]).map(Self.encoded).joined(separator: "/")
  }

  private static func repository(above folder: [String]) -> [String]? {
    (1...folder.count).reversed().map { Array(folder.prefix($0)) }.first {
      FileManager.default.fileExists(atPath: NSString.path(withComponents: $0 + [".git"]))
    }
  }

  /// A segment without anything that has a meaning in a URI, a colon among it: the first segment of a relative reference has none
  /// (RFC 3986 §4.2).
  private static func encoded(_ segment: String) -> String {
    let plain = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
    return segment.addingPercentEncoding(withAllowedCharacters: plain) ?? "spec.json"
  }
}
