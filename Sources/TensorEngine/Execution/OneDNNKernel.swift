import COneDNN

/// A compiled kernel of oneDNN.
///
/// `@unchecked Sendable`: a kernel never changes after it was made, and oneDNN lets many threads run one at once as long as each
/// brings its own memory, scratchpad included, which a `Call` does.
final class OneDNNKernel: @unchecked Sendable {
  let handle: OpaquePointer

  private init(_ make: @autoclosure () -> OpaquePointer?, _ what: String) throws {
    _ = InstructionSet.selected  // which oneDNN is held to from before its first kernel
    guard let handle = make() else { throw KernelError("oneDNN has no kernel for \(what): \(String(cString: onednn_last_error()))") }
    self.handle = handle
  }

  deinit { onednn_release_kernel(handle) }

  static func convolution(_ shape: onednn_convolution, _ direction: onednn_direction) throws -> OneDNNKernel {
    try withUnsafePointer(to: shape) { try OneDNNKernel(onednn_make_convolution($0, direction), "the convolution \(shape)") }
  }

  static func dense(_ shape: onednn_dense, _ direction: onednn_direction) throws -> OneDNNKernel {
    try withUnsafePointer(to: shape) { try OneDNNKernel(onednn_make_dense($0, direction), "the linear layer \(shape)") }
  }

  static func pooling(_ shape: onednn_pooling, _ direction: onednn_direction, keepsWorkspace: Bool) throws -> OneDNNKernel {
    try withUnsafePointer(to: shape) { try OneDNNKernel(onednn_make_pooling($0, direction, keepsWorkspace), "the pooling \(shape)") }
  }

  /// Brings weights from PyTorch's order into that of `kernel`.
  static func pack(for kernel: OneDNNKernel, _ role: onednn_role) throws -> OneDNNKernel {
    try OneDNNKernel(onednn_make_pack(kernel.handle, role), "packing weights")
  }

  /// Brings a gradient from the order of `kernel` into PyTorch's.
  static func unpack(from kernel: OneDNNKernel, _ role: onednn_role) throws -> OneDNNKernel {
    try OneDNNKernel(onednn_make_unpack(kernel.handle, role), "unpacking gradients")
  }

  func bytes(_ role: onednn_role) -> Int { onednn_bytes(handle, role) }
  func isPlain(_ role: onednn_role) -> Bool { onednn_is_plain(handle, role) }
  var implementation: String { String(cString: onednn_implementation(handle)) }
}

extension onednn_clamp {
  /// The range that a kernel clamps its result to; `nil` for none.
  init(_ range: ClosedRange<Float>?) {
    self.init(applies: range != nil, low: range?.lowerBound ?? 0, high: range?.upperBound ?? 0)
  }
}

/// The tensor library refused a shape or failed.
package struct KernelError: Error, Sendable, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}

/// A kernel bound to the memory of one context.
final class Call {
  private let kernel: OneDNNKernel
  private let handle: OpaquePointer

  init(_ kernel: OneDNNKernel, _ arguments: [(role: onednn_role, pointer: UnsafeMutableRawPointer)]) throws {
    self.kernel = kernel
    let made = onednn_bind(kernel.handle, Int32(arguments.count), arguments.map(\.role), arguments.map { Optional($0.pointer) })
    guard let made else { throw KernelError("oneDNN could not bind a kernel: \(String(cString: onednn_last_error()))") }
    handle = made
  }

  deinit { onednn_release_call(handle) }

  /// Binds the argument at `index` to other memory.
  func point(_ index: Int, to pointer: UnsafeMutableRawPointer) { onednn_point(handle, Int32(index), pointer) }

  func execute() {
    // The shapes were accepted when the kernel was made and every pointer is ours, so a failure here is memory already corrupt.
    precondition(onednn_execute(handle) == 0, "oneDNN failed: \(String(cString: onednn_last_error()))")
  }
}
