import JSON

/// Why a queued job waits, and for how long it likely will.
package struct JobWait: Hashable, Sendable {
  package enum Reason: String, CaseIterable, Hashable, Sendable {
    /// An admin has paused the service.
    case paused
    /// The job that it follows has not succeeded yet.
    case after
    /// Its owner has as many running jobs as allowed.
    case quota
    /// It is the next, and does not fit into the memory beside those that run.
    case memory
    /// Others are before it, or it is the next and every worker has a job.
    case order
  }

  package let reason: Reason
  /// A sentence.
  package let detail: String
  /// How many queued jobs likely begin before it; `nil` where it waits for something else than its turn.
  package let behind: Int?
  /// Seconds until it likely begins; `nil` where nothing tells.
  package let startsIn: Double?

  package var json: JSONValue {
    [
      "reason": .string(reason.rawValue), "detail": .string(detail), "behind": .orNull(behind),
      "starts_in_seconds": .orNull(startsIn.map(Self.rounded)),
    ]
  }

  /// To two digits: it is a guess, and an answer that changed with every second would have another tag each time.
  private static func rounded(_ seconds: Double) -> Double {
    guard seconds >= 10 else { return seconds.rounded(.up) }
    var unit = 1.0
    while seconds / unit >= 100 { unit *= 10 }
    return (seconds / unit).rounded() * unit
  }
}

/// The queue played forward by its rules: who begins when.
///
/// It takes each worker to be busy until its job ends, and memory to be there.
struct QueueForecast: Sendable {
  private let queue: JobQueue
  private let workers: Int
  /// The jobs that could run, in the order in which they likely begin.
  private(set) var order: [JobQueue.Waiting] = []
  private var starts: [String: Double] = [:]
  /// Where each job stands among those that wait, and where in the order.
  private let indices: [String: Int]
  private let places: [String: Int]
  private let first: JobQueue.Waiting?
  private let runningCounts: [String: Int]

  init(_ queue: JobQueue, workers: Int) {
    self.queue = queue
    self.workers = max(1, workers)
    order = Self.order(of: queue)
    indices = Self.numbers(of: queue.waiting)
    places = Self.numbers(of: order)
    first = queue.first
    runningCounts = queue.runningCounts
    starts = startTimes()
  }

  private static func numbers(of jobs: [JobQueue.Waiting]) -> [String: Int] {
    Dictionary(jobs.enumerated().map { ($1.id, $0) }) { first, _ in first }
  }

  /// An owner whose jobs are still to be placed.
  private struct Owner {
    /// The first of them last.
    var jobs: [JobQueue.Waiting]
    var running: Int
    var turn: Int

    /// By which owners go; see `JobQueue.first`.
    var key: (Int, Int, Int) { (running, turn, jobs.last?.position ?? .max) }
  }

  /// Each owner's jobs by the owner's own order; owners take turns.
  private static func order(of queue: JobQueue) -> [JobQueue.Waiting] {
    let counts = queue.runningCounts
    var owners = Dictionary(grouping: queue.waiting.filter { $0.follows == nil }, by: \.owner).map { owner, jobs in
      Owner(
        jobs: jobs.sorted { JobQueue.isBefore($1, $0) }, running: counts[owner, default: 0], turn: queue.turns[owner, default: 0])
    }
    var latest = queue.turns.values.max() ?? 0
    var order: [JobQueue.Waiting] = []
    while let next = owners.indices.min(by: { owners[$0].key < owners[$1].key }), let job = owners[next].jobs.popLast() {
      order.append(job)
      latest += 1
      owners[next].turn = latest
      owners[next].running += 1
      if owners[next].jobs.isEmpty { owners.remove(at: next) }
    }
    return order
  }

  private func startTimes() -> [String: Double] {
    guard !queue.isPaused, queue.running.allSatisfy({ $0.seconds != nil }) else { return [:] }
    var free = queue.running.map { $0.seconds ?? 0 } + [Double](repeating: 0, count: max(0, workers - queue.running.count))
    var ends = Dictionary(queue.running.map { ($0.id, $0.seconds ?? 0) }) { first, _ in first }
    var starts: [String: Double] = [:]
    for job in order + followers {
      guard let place = free.indices.min(by: { free[$0] < free[$1] }) else { break }
      let earliest = job.follows.map { ends[$0] } ?? 0
      // Behind a job of unknown length nothing is known.
      guard let earliest, free[place].isFinite else { continue }
      let start = max(free[place], earliest)
      starts[job.id] = start
      free[place] = job.seconds.map { start + $0 } ?? .infinity
      if let seconds = job.seconds { ends[job.id] = start + seconds }
    }
    return starts
  }

  /// Those that wait for another job, those before them first.
  private var followers: [JobQueue.Waiting] { queue.waiting.filter { $0.follows != nil }.sorted { $0.position < $1.position } }

  // MARK: Reasons

  /// Why a job waits; `nil` when it does not.
  func wait(of id: String) -> JobWait? {
    guard let index = indices[id] else { return nil }
    let (reason, detail) = reason(of: queue.waiting[index])
    return JobWait(reason: reason, detail: detail, behind: places[id], startsIn: starts[id])
  }

  private func reason(of job: JobQueue.Waiting) -> (JobWait.Reason, String) {
    if queue.isPaused { return (.paused, "The service is paused by an admin; jobs begin when it is resumed.") }
    if let before = job.follows { return (.after, "It begins when \(before) has succeeded.") }
    if !queue.mayRun(job.owner, runningCounts) {
      return (.quota, "\(job.owner) has \(runningCounts[job.owner, default: 0]) jobs running, as many as allowed.")
    }
    guard job.id == first?.id else {
      let count = places[job.id] ?? 0
      return (.order, "\(count == 1 ? "One job is" : "\(count) jobs are") likely to begin before it.")
    }
    guard queue.running.count >= workers || queue.fits(job) else {
      let taken = queue.running.reduce(0) { $0 + $1.bytes }
      return (
        .memory,
        "It is the next, and its \(job.bytes) bytes do not fit beside the \(taken) of the running jobs into \(queue.memoryBudget ?? 0)."
      )
    }
    guard queue.running.count >= workers else { return (.order, "It is about to begin.") }
    return (.order, "It is the next; \(workers == 1 ? "the worker" : "each of the \(workers) workers") has a job.")
  }
}
