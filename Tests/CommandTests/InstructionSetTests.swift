import Testing

@Suite("TEMPER_KERNELS") struct InstructionSetTests {
  @Test("an unknown instruction set is refused before anything else, with those that there are")
  func unknown() async throws {
    let outcome = try await Executable.run("bench", environment: ["TEMPER_KERNELS": "avx3"])
    #expect(outcome.code == 2)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("temper: TEMPER_KERNELS must be one of sse,"))
    #expect(outcome.errors.hasSuffix("not \"avx3\"\n"))
  }

  @Test("a set that emulates bfloat16 offers single precision only, and says who chose it")
  func emulated() async throws {
    let arguments = ["bench", "--steps", "1", "--attack-steps", "1", "--batch-size", "8"]
    let environment = ["TEMPER_KERNELS": "sse"]
    let single = try await Executable(arguments, environment: environment).end()
    #expect(single.code == 0, "\(single.errors)")
    let half = try await Executable(arguments + ["--precision", "bf16"], environment: environment).end()
    #expect(half.code == 2)
    #expect(half.errors.contains("TEMPER_KERNELS holds the kernels to sse; available: fp32"))
  }
}
