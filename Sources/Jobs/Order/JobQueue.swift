/// The jobs that wait and those that run, as values: which is the next, and why the others wait.
///
/// The rules, in this order:
/// 1. A job that follows another waits until that one has succeeded.
/// 2. An owner with as many running jobs as its quota allows waits.
/// 3. Among owners, the one with the fewest running jobs goes first, then the one whose last job began the longest ago: nobody waits behind a
///    hundred jobs of another.
/// 4. Among the jobs of an owner the one of the highest priority goes first, then the one that was submitted first.
/// 5. The job that the rules give waits until it fits into the memory beside those that run, and all others wait with it: else small jobs
///    could keep a large one waiting for ever. One that runs alone always fits.
package struct JobQueue: Hashable, Sendable {
  package struct Waiting: Hashable, Sendable {
    package let id: String
    package let owner: String
    package let priority: Int
    /// The order of submission.
    package let position: Int
    /// The most memory that it takes.
    package let bytes: Int
    /// Seconds that it likely runs; `nil` where nothing tells.
    package let seconds: Double?
    /// A job that has not succeeded yet and must first.
    package let follows: String?

    package init(
      id: String, owner: String, priority: Int = 0, position: Int, bytes: Int = 0, seconds: Double? = nil, follows: String? = nil
    ) {
      self.id = id
      self.owner = owner
      self.priority = priority
      self.position = position
      self.bytes = bytes
      self.seconds = seconds
      self.follows = follows
    }
  }

  package struct Running: Hashable, Sendable {
    package let id: String
    package let owner: String
    package let bytes: Int
    /// Until its end; `nil` where nothing tells.
    package let seconds: Double?

    package init(id: String, owner: String, bytes: Int = 0, seconds: Double? = nil) {
      self.id = id
      self.owner = owner
      self.bytes = bytes
      self.seconds = seconds
    }
  }

  package var waiting: [Waiting]
  package var running: [Running]
  /// When the last job of each owner began, as a number that only grows.
  package var turns: [String: Int]
  /// The bytes that all running jobs may take together.
  package var memoryBudget: Int?
  /// How many jobs of an owner may run; `nil`: any number.
  package var mostRunning: [String: Int]
  package var isPaused: Bool

  package init(
    waiting: [Waiting], running: [Running] = [], turns: [String: Int] = [:], memoryBudget: Int? = nil, mostRunning: [String: Int] = [:],
    isPaused: Bool = false
  ) {
    self.waiting = waiting
    self.running = running
    self.turns = turns
    self.memoryBudget = memoryBudget
    self.mostRunning = mostRunning
    self.isPaused = isPaused
  }

  // MARK: The next job

  /// The job to begin now; `nil` when none may.
  package var next: Waiting? {
    guard !isPaused, let first, fits(first) else { return nil }
    return first
  }

  /// The job that the rules give, whether or not there is memory for it.
  var first: Waiting? {
    let counts = runningCounts
    let ready = Dictionary(grouping: waiting.filter { $0.follows == nil && mayRun($0.owner, counts) }, by: \.owner)
    return ready.values.compactMap { $0.min(by: Self.isBefore) }.min { place(of: $0, counts) < place(of: $1, counts) }
  }

  /// By which owners go, each with the job that goes first of the owner's own: running jobs, the last turn, the order of submission.
  private func place(of job: Waiting, _ counts: [String: Int]) -> (Int, Int, Int) {
    (counts[job.owner, default: 0], turns[job.owner, default: 0], job.position)
  }

  func fits(_ job: Waiting) -> Bool {
    guard let memoryBudget, !running.isEmpty else { return true }
    return running.reduce(0) { $0 + $1.bytes } + job.bytes <= memoryBudget
  }

  var runningCounts: [String: Int] { running.reduce(into: [:]) { $0[$1.owner, default: 0] += 1 } }

  func mayRun(_ owner: String, _ counts: [String: Int]) -> Bool { mostRunning[owner].map { counts[owner, default: 0] < $0 } ?? true }

  /// Among those of one owner.
  static func isBefore(_ one: Waiting, _ other: Waiting) -> Bool {
    one.priority != other.priority ? one.priority > other.priority : one.position < other.position
  }
}
