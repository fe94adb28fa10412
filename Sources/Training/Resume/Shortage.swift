import Files

/// Does something until it no longer fails for want of room, descriptors, memory or a folder.
///
/// - Parameters:
///   - wait: called after each such failure. It returns when it is worth trying again; what it throws ends the waiting, such as the failure
///     itself where nothing is to be hoped for.
///   - body: begins anew each time: after a failed sync nothing can be said of the file that it was of.
/// - Throws: what `wait` throws, and every other error of `body`.
@discardableResult
package func waitingOutShortage<Result>(_ wait: (StorageError) throws -> Void, _ body: () throws -> Result) throws -> Result {
  while true {
    do {
      return try body()
    } catch let error as StorageError where error.mayPass {
      try wait(error)
    }
  }
}
