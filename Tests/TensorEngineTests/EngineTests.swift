import Foundation
import Synchronization
import TensorEngine
import Testing

@Suite("The team of threads") struct EngineTests {
  struct Stop: Error {}

  @Test("Every task runs once, and no worker is used by two at once", arguments: [1, 2, 3]) func everyTaskOnce(width: Int) throws {
    let engine = Engine(threads: 3)
    let seen = Mutex([Int](repeating: 0, count: 200))
    let busy = Mutex(Set<Int>())
    try engine.parallel(200, width: width) { task, worker in
      #expect(worker < width)
      #expect(busy.withLock { $0.insert(worker).inserted })
      seen.withLock { $0[task] += 1 }
      busy.withLock { _ = $0.remove(worker) }
    }
    #expect(seen.withLock { $0 } == [Int](repeating: 1, count: 200))
  }

  /// A thread looks out for work before it sleeps: work that comes just as it turns to sleep must not wait for ever.
  @Test("Work that comes at any moment after the last is done", .timeLimit(.minutes(1))) func noWorkIsMissed() throws {
    let engine = Engine(threads: 2)
    let total = Mutex(0)
    for call in 0..<20_000 {
      try engine.parallel(2, width: 2) { _, _ in total.withLock { $0 += 1 } }
      // From nothing to twice as long as a thread looks out.
      let end = DispatchTime.now().uptimeNanoseconds + UInt64(call % 200) * 1_000
      while call % 10 == 0 && DispatchTime.now().uptimeNanoseconds < end {}
    }
    #expect(total.withLock { $0 } == 40_000)
  }

  @Test("The first error ends the work and reaches the caller") func error() {
    let engine = Engine(threads: 2)
    let ran = Mutex(0)
    #expect(throws: Stop.self) {
      try engine.parallel(1000, width: 2) { task, _ in
        ran.withLock { $0 += 1 }
        if task == 3 { throw Stop() }
        Thread.sleep(forTimeInterval: 0.001)  // so that the thread with task 3 gets its turn before all are done
      }
    }
    #expect(ran.withLock { $0 } < 1000)
  }

  @Test("Callers on several threads share the team, and each gets all its tasks done") func sharing() {
    let engine = Engine(threads: 2)
    let total = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      do { try engine.parallel(50, width: 2) { _, _ in total.withLock { $0 += 1 } } } catch { Issue.record(error) }
    }
    #expect(total.withLock { $0 } == 400)
  }

  @Test("No tasks are no work") func none() throws {
    try Engine(threads: 1).parallel(0, width: 1) { _, _ in Issue.record("a task ran") }
  }

  @Test("Gradients are summed in one order on any number of threads") func reduction() throws {
    let shards = 5
    let layout = ParameterLayout([ParameterSpecification(name: "w", shape: [300, 700], initial: .uniform(fanIn: 700))])
    var graph = Graph(input: [700])
    let weight = graph.parameter("w", [300, 700], initial: .uniform(fanIn: 700))
    try graph.append(Dense(units: 300, weight: weight, bias: nil), to: graph.output)
    let session = try Session(Program(graph, for: .training), parameters: Parameters(layout), contexts: 2)
    func sums(threads: Int) throws -> [Float] {
      let engine = Engine(threads: threads)
      let gradients = Gradients(layout, shards: shards)
      try engine.parallel(shards, width: threads) { shard, worker in
        var stream = RandomStream(seed: 1, purpose: .sample, example: shard)
        let context = session[worker]
        _ = context.forward(Tensor([9, 700], values: (0..<6300).map { _ in stream.normal() }))
        context.backward(Tensor([9, 300], values: (0..<2700).map { _ in stream.normal() }), into: gradients, shard: shard)
      }
      let result = Mutex([Float](repeating: 0, count: layout.count))
      try gradients.reduce(shards: shards, on: engine, width: threads) { range, gradient in
        result.withLock { result in for (offset, index) in range.enumerated() { result[index] = gradient[offset] } }
      }
      return result.withLock { $0 }
    }
    let alone = try sums(threads: 1)
    #expect(try sums(threads: 2) == alone)
    #expect(alone.contains { $0 != 0 })
  }
}
