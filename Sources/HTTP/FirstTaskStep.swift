import Glibc

/// Catches the first step of a new task, which it hands to its executor, so that the thread that makes the task can run it itself. Swift
/// calls such a step a job; the jobs of this service are another thing.
enum FirstTaskStep {
  private final class Slot {
    var job: UnownedJob?
  }

  /// The thread-local slot, set while the thread makes a task.
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  /// Returns the job that `body` handed to an executor on this thread; nil when `body` made no task.
  static func made(by body: () -> Void) -> UnownedJob? {
    let slot = Slot()
    pthread_setspecific(key, Unmanaged.passUnretained(slot).toOpaque())
    withExtendedLifetime(slot) { body() }
    pthread_setspecific(key, nil)
    return slot.job
  }

  /// Returns true when this thread is making a task and will run the job itself.
  static func take(_ job: UnownedJob) -> Bool {
    guard let pointer = pthread_getspecific(key) else { return false }
    let slot = Unmanaged<Slot>.fromOpaque(pointer).takeUnretainedValue()
    guard slot.job == nil else { return false }
    slot.job = job
    return true
  }
}
