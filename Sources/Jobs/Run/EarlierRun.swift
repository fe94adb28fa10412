import Foundation

/// What a run does with what an earlier one has left in its folder.
package enum EarlierRun: Sendable {
  /// It leaves all as it is, and does not run.
  case refuse
  case overwrite
  /// It goes on where the other was interrupted; what a finished run has left stays as it is.
  case resume
}

/// The folder holds the results of another run, and nobody said that they may go.
package struct FolderHoldsRun: Error, Hashable, Sendable, CustomStringConvertible {
  package let folder: String
  /// Whether it was interrupted.
  let canGoOn: Bool

  package var description: String {
    let way = canGoOn ? "--resume goes on with it, " : ""
    return
      "\(folder) holds \(canGoOn ? "an interrupted run" : "the results of another run"): \(way)--overwrite removes it and begins anew, --out names another folder"
  }
}
