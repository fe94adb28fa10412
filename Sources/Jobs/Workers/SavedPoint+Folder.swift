import Files
import Foundation

extension Store.SavedPoint {
  /// The last saved state in a job's folder; `nil` when there is none.
  init?(in folder: URL) {
    guard let state = JobRunner.savedState(in: folder) else { return nil }
    let times = Folder.names(in: folder).filter { $0.hasSuffix(".state") }.compactMap { name in
      (try? OpenFile(folder.appendingPathComponent(name)))?.identity.modifiedMilliseconds
    }
    self.init(step: state.step, position: state.position, savedAt: Timestamp(milliseconds: times.max() ?? 0))
  }
}
