import JSON
import Jobs

/// libFuzzer's target: any bytes as JSON, as a job spec and as a sweep. What is read must be written so that it is read as the same again.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  guard let value = try? JSONValue(parsing: bytes) else { return 0 }
  let text = value.serialised()
  guard let again = try? JSONValue(parsing: text) else { preconditionFailure("what was written is no JSON: \(text)") }
  precondition(again.serialised() == text, "JSON changes as it is written again")
  if let spec = try? JobSpec(reading: value) {
    let completed = spec.json
    guard let other = try? JobSpec(reading: completed) else {
      preconditionFailure("a completed spec is refused: \(completed.serialised())")
    }
    precondition(other.json == completed, "a completed spec changes as it is completed again")
  }
  _ = try? SweepSpec(reading: value, mostJobs: 256)
  _ = try? ExtensionRequest(reading: value)
  return 0
}
