import HTTP

/// A file for programs that use what the service made. The source is beside this file; `generate.py` puts it into the executable.
package struct ClientFile: Sendable {
  package let name: String
  /// With the line break at its end that a multi-line literal leaves out.
  package let text: String

  package static let all = [ClientFile(name: "temper_load.py", text: temperLoadPy + "\n")]
}

extension Routes {
  var clientTable: [Endpoint] {
    ClientFile.all.map { file in
      Endpoint(
        "/client/\(file.name)", "getClientLoader", "A Python file that makes a PyTorch module of a checkpoint.", types: ["text/x-python"],
        atOnce: { call in
          try .representation(Array(file.text.utf8), type: "text/x-python; charset=utf-8", for: call.request)
        })
    }
  }
}
