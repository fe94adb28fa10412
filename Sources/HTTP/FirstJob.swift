import Glibc

/// The job that a new task hands to its executor, for the thread that makes the task and wants to run it itself.
enum FirstJob {
  private final class Slot {
    var job: UnownedJob?
  }

  /// Where a thread has its slot, for as long as it makes a task.
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  /// The job that `body` handed to an executor on this thread; nil when it made no task.
  static func made(by body: () -> Void) -> UnownedJob? {
    let slot = Slot()
    pthread_setspecific(key, Unmanaged.passUnretained(slot).toOpaque())
    withExtendedLifetime(slot) { body() }
    pthread_setspecific(key, nil)
    return slot.job
  }

  /// True when this thread is making a task and will run the job.
  static func take(_ job: UnownedJob) -> Bool {
    guard let pointer = pthread_getspecific(key) else { return false }
    let slot = Unmanaged<Slot>.fromOpaque(pointer).takeUnretainedValue()
    guard slot.job == nil else { return false }
    slot.job = job
    return true
  }
}
