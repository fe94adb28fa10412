import Foundation
import Synchronization
import TensorEngine
import Testing

@Suite("The team of threads") struct EngineTests {
  struct Stop: Error {}

  /// What a task may use while no other does; two at once would be seen.
  private final class Context {
    var isBusy = false
    var tasks: [Int] = []
  }

  @Test("every task runs once, and no two have one context at a time", arguments: [1, 2, 3]) func everyTaskOnce(width: Int) throws {
    let contexts = (0..<width).map { _ in Context() }
    try Engine(threads: 3).parallel(200, over: contexts) { task, context in
      #expect(!context.isBusy)
      context.isBusy = true
      context.tasks.append(task)
      context.isBusy = false
    }
    #expect(contexts.flatMap(\.tasks).sorted() == Array(0..<200))
  }

  @Test("each element comes to a task of its own") func eachElement() throws {
    let contexts = (0..<50).map { _ in Context() }
    try Engine(threads: 3).parallel(each: contexts, width: 2) { index, context in context.tasks.append(index) }
    #expect(contexts.map(\.tasks) == (0..<50).map { [$0] })
  }

  @Test("a thread knows whether it runs a task of an engine") func knowsTasks() throws {
    let (engine, other) = (Engine(threads: 1), Engine(threads: 1))
    #expect(!engine.isRunningTask)
    try engine.parallel(1, width: 1) { _ in
      #expect(engine.isRunningTask && !other.isRunningTask)
      // Another engine has threads of its own.
      try other.parallel(1, width: 1) { _ in #expect(other.isRunningTask && !engine.isRunningTask) }
    }
  }

  /// A thread spins for a while before it sleeps. Work that comes just as it goes to sleep must not wait for ever.
  @Test("work that comes at any moment after the last is done", .timeLimit(.minutes(1))) func noWorkIsMissed() throws {
    let engine = Engine(threads: 2)
    let total = Mutex(0)
    for call in 0..<20_000 {
      try engine.parallel(2, width: 2) { _ in total.withLock { $0 += 1 } }
      // From nothing to twice as long as a thread spins.
      let end = DispatchTime.now().uptimeNanoseconds + UInt64(call % 200) * 1_000
      while call % 10 == 0 && DispatchTime.now().uptimeNanoseconds < end {}
    }
    #expect(total.withLock { $0 } == 40_000)
  }

  @Test("the first error ends the work and reaches the caller") func error() {
    let engine = Engine(threads: 2)
    let ran = Mutex(0)
    #expect(throws: Stop.self) {
      try engine.parallel(1000, width: 2) { task in
        ran.withLock { $0 += 1 }
        if task == 3 { throw Stop() }
        Thread.sleep(forTimeInterval: 0.001)  // so that the thread with task 3 gets its turn before all are done
      }
    }
    #expect(ran.withLock { $0 } < 1000)
  }

  @Test("callers on several threads share the team, and each gets all its tasks done") func sharing() {
    let engine = Engine(threads: 2)
    let total = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      do { try engine.parallel(50, width: 2) { _ in total.withLock { $0 += 1 } } } catch { Issue.record(error) }
    }
    #expect(total.withLock { $0 } == 400)
  }

  @Test("no tasks are no work") func none() throws {
    try Engine(threads: 1).parallel(0, width: 1) { _ in Issue.record("a task ran") }
  }

  @Test("gradients are summed in one order on any number of threads") func reduction() throws {
    let shards = 5
    let layout = ParameterLayout([ParameterSpecification(name: "w", shape: [300, 700], initial: .uniform(fanIn: 700))])
    var graph = Graph(input: [700])
    let weight = graph.parameter("w", [300, 700], initial: .uniform(fanIn: 700))
    try graph.append(Dense(units: 300, weight: weight, bias: nil), to: graph.output)
    let session = try Session(Program(graph, for: .training), parameters: Parameters(layout), contexts: 2)
    func sums(threads: Int) throws -> [Float] {
      let engine = Engine(threads: threads)
      let gradients = Gradients(layout, sets: shards)
      try engine.parallel(shards, over: Array(session.contexts.prefix(threads))) { shard, context in
        var stream = RandomStream(seed: 1, purpose: .sample, example: shard)
        _ = context.forward(Tensor([9, 700], values: (0..<6300).map { _ in stream.normal() }))
        context.backward(Tensor([9, 300], values: (0..<2700).map { _ in stream.normal() }), into: gradients, set: shard)
      }
      let result = Mutex([Float](repeating: 0, count: layout.count))
      try gradients.reduce(sets: shards, on: engine, width: threads) { range, gradient in
        result.withLock { result in for (offset, index) in range.enumerated() { result[index] = gradient[offset] } }
      }
      return result.withLock { $0 }
    }
    let alone = try sums(threads: 1)
    #expect(try sums(threads: 2) == alone)
    #expect(alone.contains { $0 != 0 })
  }
}
