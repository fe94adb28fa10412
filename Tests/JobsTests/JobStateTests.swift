import Jobs
import Testing

@Suite struct JobStateTests {
  @Test("succeeded, failed and cancelled are final, and no other state is")
  func terminal() { #expect(Set(JobState.allCases.filter(\.isTerminal)) == [.succeeded, .failed, .cancelled]) }

  @Test("every state can be reached from queued")
  func reachable() {
    var reached: Set<JobState> = [.queued]
    for _ in JobState.allCases { reached.formUnion(reached.flatMap(\.successors)) }
    #expect(reached == Set(JobState.allCases))
  }
}
