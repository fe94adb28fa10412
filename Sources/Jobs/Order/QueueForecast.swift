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
struct QueueForecast {
  private let queue: JobQueue
  private let workers: Int
  /// The jobs that could run, in the order in which they likely begin.
  private(set) var order: [JobQueue.Waiting] = []
  private var starts: [String: Double] = [:]

  init(_ queue: JobQueue, workers: Int) {
    self.queue = queue
    self.workers = max(1, workers)
    order = Self.order(of: queue)
    starts = startTimes()
  }

  /// Each owner's jobs by the owner's own order; owners take turns.
  private static func order(of queue: JobQueue) -> [JobQueue.Waiting] {
    let ready = Dictionary(grouping: queue.waiting.filter { $0.follows == nil }, by: \.owner)
    var left = ready.mapValues { jobs in Array(jobs.sorted { JobQueue.isBefore($0, $1) }.reversed()) }
    var (counts, turns) = (queue.runningCounts, queue.turns)
    var latest = turns.values.max() ?? 0
    var order: [JobQueue.Waiting] = []
    while let owner = left.keys.min(by: { isBefore($0, $1, left, counts, turns) }) {
      guard let job = left[owner]?.popLast() else { break }
      if left[owner]?.isEmpty ?? true { left[owner] = nil }
      latest += 1
      turns[owner] = latest
      counts[owner, default: 0] += 1
      order.append(job)
    }
    return order
  }

  private static func isBefore(
    _ one: String, _ other: String, _ left: [String: [JobQueue.Waiting]], _ counts: [String: Int], _ turns: [String: Int]
  ) -> Bool {
    func key(_ owner: String) -> (Int, Int, Int) {
      (counts[owner, default: 0], turns[owner, default: 0], left[owner]?.last?.position ?? .max)
    }
    return key(one) < key(other)
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

  /// Of every job that waits.
  var waits: [String: JobWait] {
    let places = Dictionary(order.enumerated().map { ($1.id, $0) }) { first, _ in first }
    let (first, counts) = (queue.first, queue.runningCounts)
    return queue.waiting.reduce(into: [:]) { waits, job in
      let (reason, detail) = reason(of: job, first, counts, place: places[job.id])
      waits[job.id] = JobWait(reason: reason, detail: detail, behind: places[job.id], startsIn: starts[job.id])
    }
  }

  private func reason(
    of job: JobQueue.Waiting, _ first: JobQueue.Waiting?, _ counts: [String: Int], place: Int?
  ) -> (JobWait.Reason, String) {
    if queue.isPaused { return (.paused, "The service is paused by an admin; jobs begin when it is resumed.") }
    if let before = job.follows { return (.after, "It begins when \(before) has succeeded.") }
    if !queue.mayRun(job.owner, counts) {
      return (.quota, "\(job.owner) has \(counts[job.owner, default: 0]) jobs running, as many as allowed.")
    }
    guard job.id == first?.id else {
      let count = place ?? 0
      return (.order, "\(count == 1 ? "One job is" : "\(count) jobs are") likely to begin before it.")
    }
    guard queue.running.count >= workers || queue.fits(job) else {
      let taken = queue.running.reduce(0) { $0 + $1.bytes }
      return (
        .memory,
        "It is the next, and its \(job.bytes) bytes do not fit beside the \(taken) of the running jobs into \(queue.memoryBudget ?? 0)."
      )
    }
    return (.order, queue.running.count >= workers ? "It is the next; each of the \(workers) workers has a job." : "It is about to begin.")
  }
}
