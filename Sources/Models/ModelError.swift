/// Why a network cannot be built as described.
package struct ModelError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The faulty part of the model's document, an RFC 6901 JSON Pointer below it: `/layers/3/shortcut/0`, `/architecture`.
  package let pointer: String
  /// A sentence for whoever wrote the document.
  package let description: String

  package init(pointer: String, _ description: String) {
    self.pointer = pointer
    self.description = description
  }
}
