/// libFuzzer's target: any bytes as requests, and as the body of a form. Whole, byte by byte and cut at a place that the bytes choose they
/// must give the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  guard let first = bytes.first else { return 0 }
  let cut = min(bytes.count, Int(first) * 3)
  let whole = requests([bytes])
  precondition(requests([Array(bytes[..<cut]), Array(bytes[cut...])]) == whole, "a cut at \(cut) changes the requests")
  if bytes.count <= 512 { precondition(requests(bytes.map { [$0] }) == whole, "bytes one by one change the requests") }
  let form = parts([bytes])
  precondition(parts([Array(bytes[..<cut]), Array(bytes[cut...])]) == form, "a cut at \(cut) changes the form")
  return 0
}

/// What the parser makes of pieces of bytes.
private func requests(_ pieces: [[UInt8]]) -> [String] {
  var parser = RequestParser(limits: .init())
  var lines: [String] = []
  var body: [UInt8] = []
  for piece in pieces {
    parser.append(piece)
    do {
      while let event = try parser.next() {
        switch event {
        case .head(let head):
          lines.append("\(head.method.rawValue) \(head.target.segments) \(head.target.query.items) \(head.framing) \(head.keepAlive)")
        case .body(let bytes):
          precondition(!bytes.isEmpty)
          body += bytes
        case .end:
          lines.append("\(body)")
          body = []
        }
      }
    } catch {
      // Where bytes can begin no request, that is said before their line has ended.
      return lines + ["refused"]
    }
  }
  return lines
}

private func parts(_ pieces: [[UInt8]]) -> [String] {
  guard var parser = try? MultipartParser(boundary: "b") else { preconditionFailure("b is a boundary") }
  var lines: [String] = []
  var data: [UInt8] = []
  for piece in pieces {
    parser.append(piece)
    do {
      while let event = try parser.next() {
        switch event {
        case .part(let part): lines.append("\(part.name) \(part.filename ?? "")")
        case .data(let bytes): data += bytes
        case .endOfPart:
          lines.append("\(data)")
          data = []
        }
      }
    } catch {
      return lines + ["refused"]
    }
  }
  return lines
}
