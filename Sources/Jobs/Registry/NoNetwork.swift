/// A weight file does not say which network its weights are of.
package struct NoNetwork: Error, Hashable, Sendable, CustomStringConvertible {
  package let description =
    "the file has weights and does not describe their network: only checkpoints of this service and uploaded ONNX files do"
}
