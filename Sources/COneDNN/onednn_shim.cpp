#include "onednn_shim.h"

#include <dlfcn.h>

#include <cmath>
#include <exception>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

using dnnl::algorithm;
using dnnl::memory;
using dnnl::prop_kind;
using tag = dnnl::memory::format_tag;
using dims = dnnl::memory::dims;

struct onednn_kernel {
  dnnl::primitive primitive;
  std::unordered_map<int, memory::desc> used;   // what the primitive reads and writes, by role
  std::unordered_map<int, memory::desc> plain;  // the caller's format of weights and their gradients, by role
  std::string implementation;
};

struct onednn_call {
  dnnl::primitive primitive;
  std::vector<memory> memories;
  std::unordered_map<int, memory> arguments;
};

namespace {

thread_local std::string last_error;

// oneDNN parallelises with OpenMP, but each call must run on the calling thread alone, so each thread asks for a team of one. The symbol is
// looked up at run time because linking libgomp needs GCC's development files.
void run_on_this_thread_alone() {
  thread_local bool done = [] {
    if (void *symbol = dlsym(RTLD_DEFAULT, "omp_set_num_threads")) reinterpret_cast<void (*)(int)>(symbol)(1);
    return true;
  }();
  (void)done;
}

const dnnl::engine &cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream &stream() {
  thread_local dnnl::stream stream(cpu());
  return stream;
}

template <typename Result, typename Body>
Result guarded(Result failure, Body body) {
  try {
    run_on_this_thread_alone();
    return body();
  } catch (const std::exception &error) {
    last_error = error.what();
    return failure;
  }
}

memory::desc tensor(const dims &extent, bool bf16, tag order) {
  return memory::desc(extent, bf16 ? memory::data_type::bf16 : memory::data_type::f32, order);
}

memory::desc floats(const dims &extent, tag order) { return tensor(extent, false, order); }

int argument(int role) {
  switch (role) {
    case ONEDNN_SOURCE: return DNNL_ARG_SRC;
    case ONEDNN_WEIGHTS: return DNNL_ARG_WEIGHTS;
    case ONEDNN_BIAS: return DNNL_ARG_BIAS;
    case ONEDNN_DESTINATION: return DNNL_ARG_DST;
    case ONEDNN_SOURCE_GRADIENT: return DNNL_ARG_DIFF_SRC;
    case ONEDNN_WEIGHTS_GRADIENT: return DNNL_ARG_DIFF_WEIGHTS;
    case ONEDNN_BIAS_GRADIENT: return DNNL_ARG_DIFF_BIAS;
    case ONEDNN_DESTINATION_GRADIENT: return DNNL_ARG_DIFF_DST;
    case ONEDNN_WORKSPACE: return DNNL_ARG_WORKSPACE;
    default: return DNNL_ARG_SCRATCHPAD;
  }
}

const onednn_clamp no_clamp{false, 0, 0};

dnnl::primitive_attr attributes(const onednn_clamp &clamp) {
  dnnl::primitive_attr result;
  result.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (clamp.applies) {
    dnnl::post_ops after;
    const bool is_relu = clamp.low == 0 && std::isinf(clamp.high);
    const auto how = is_relu ? algorithm::eltwise_relu : algorithm::eltwise_clip;
    const float alpha = clamp.low, beta = is_relu ? 0 : clamp.high;
#if DNNL_VERSION_MAJOR >= 3
    after.append_eltwise(how, alpha, beta);
#else
    after.append_eltwise(1.f, how, alpha, beta);
#endif
    result.set_post_ops(after);
  }
  return result;
}

// Version 2 makes an operation descriptor first, and a primitive descriptor from it; version 3 makes the primitive descriptor at once.
template <typename Operation, typename... Arguments>
typename Operation::primitive_desc describe(const onednn_clamp &clamp, Arguments &&...arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return typename Operation::primitive_desc(cpu(), std::forward<Arguments>(arguments)..., attributes(clamp));
#else
  return typename Operation::primitive_desc(typename Operation::desc(std::forward<Arguments>(arguments)...), attributes(clamp), cpu());
#endif
}

// The same for a backward primitive, which also takes the forward one as a hint.
template <typename Operation, typename Hint, typename... Arguments>
typename Operation::primitive_desc describe_backward(const Hint &hint, Arguments &&...arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return typename Operation::primitive_desc(cpu(), std::forward<Arguments>(arguments)..., hint, attributes(no_clamp));
#else
  return typename Operation::primitive_desc(typename Operation::desc(std::forward<Arguments>(arguments)...), attributes(no_clamp), cpu(), hint);
#endif
}

template <typename Operation>
std::unique_ptr<onednn_kernel> kernel(const typename Operation::primitive_desc &description) {
  auto result = std::make_unique<onednn_kernel>();
  result->primitive = Operation(description);
  result->implementation = description.impl_info_str();
  result->used[ONEDNN_SCRATCHPAD] = description.scratchpad_desc();
  return result;
}

// The memory of an operation with weights, in the formats that the caller uses.
struct Layouts {
  memory::desc source, destination, bias, plain_weights;
  bool has_bias;
};

template <typename Operation>
onednn_kernel *weighted_forward(const typename Operation::primitive_desc &description, const Layouts &layouts) {
  auto result = kernel<Operation>(description);
  result->used[ONEDNN_SOURCE] = layouts.source;
  result->used[ONEDNN_WEIGHTS] = description.weights_desc();
  result->used[ONEDNN_DESTINATION] = layouts.destination;
  if (layouts.has_bias) result->used[ONEDNN_BIAS] = layouts.bias;
  result->plain[ONEDNN_WEIGHTS] = layouts.plain_weights;
  return result.release();
}

template <typename Operation>
onednn_kernel *weighted_backward_source(const typename Operation::primitive_desc &description, const Layouts &layouts) {
  auto result = kernel<Operation>(description);
  result->used[ONEDNN_DESTINATION_GRADIENT] = layouts.destination;
  result->used[ONEDNN_WEIGHTS] = description.weights_desc();
  result->used[ONEDNN_SOURCE_GRADIENT] = layouts.source;
  result->plain[ONEDNN_WEIGHTS] = layouts.plain_weights;
  return result.release();
}

template <typename Operation>
onednn_kernel *weighted_backward_weights(const typename Operation::primitive_desc &description, const Layouts &layouts) {
  auto result = kernel<Operation>(description);
  result->used[ONEDNN_SOURCE] = layouts.source;
  result->used[ONEDNN_DESTINATION_GRADIENT] = layouts.destination;
  result->used[ONEDNN_WEIGHTS_GRADIENT] = description.diff_weights_desc();
  if (layouts.has_bias) result->used[ONEDNN_BIAS_GRADIENT] = layouts.bias;
  result->plain[ONEDNN_WEIGHTS_GRADIENT] = layouts.plain_weights;
  return result.release();
}

}  // namespace

const char *onednn_last_error(void) { return last_error.c_str(); }

const char *onednn_version(void) {
  static const std::string text = [] {
    const auto *version = dnnl_version();
    return std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->patch);
  }();
  return text.c_str();
}

bool onednn_limit(onednn_instruction_set instructions) {
  const auto limit = [&] {
    switch (instructions) {
      case ONEDNN_AVX2: return dnnl::cpu_isa::avx2;
      case ONEDNN_AVX512: return dnnl::cpu_isa::avx512_core;
      case ONEDNN_AVX512_BF16: return dnnl::cpu_isa::avx512_core_bf16;
      default: return dnnl::cpu_isa::sse41;
    }
  }();
  return dnnl::set_max_cpu_isa(limit) == dnnl::status::success;
}

const char *onednn_instructions(void) {
  // The names that 2.6 has too. An instruction set of a later version gets the default.
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41: return "SSE4.1";
    case dnnl::cpu_isa::avx: return "AVX";
    case dnnl::cpu_isa::avx2: return "AVX2";
    case dnnl::cpu_isa::avx2_vnni: return "AVX2 with VNNI";
    case dnnl::cpu_isa::avx512_core: return "AVX-512";
    case dnnl::cpu_isa::avx512_core_vnni: return "AVX-512 with VNNI";
    case dnnl::cpu_isa::avx512_core_bf16: return "AVX-512 with BF16";
    default: return "other instructions";
  }
}

onednn_kernel *onednn_make_convolution(const onednn_convolution *shape, onednn_direction direction) {
  return guarded<onednn_kernel *>(nullptr, [&] {
    const auto &s = *shape;
    const int64_t out_height = (s.height + 2 * s.padding_height - s.dilation_height * (s.kernel_height - 1) - 1) / s.stride_height + 1;
    const int64_t out_width = (s.width + 2 * s.padding_width - s.dilation_width * (s.kernel_width - 1) - 1) / s.stride_width + 1;
    const bool grouped = s.groups > 1;
    const dims extent = grouped ? dims{s.groups, s.filters / s.groups, s.channels / s.groups, s.kernel_height, s.kernel_width}
                                : dims{s.filters, s.channels, s.kernel_height, s.kernel_width};
    const Layouts layouts{tensor({s.batch, s.channels, s.height, s.width}, s.bf16, tag::nhwc),
                          tensor({s.batch, s.filters, out_height, out_width}, s.bf16, tag::nhwc),
                          s.bias ? floats({s.filters}, tag::a) : memory::desc(), floats(extent, grouped ? tag::goihw : tag::oihw), s.bias};
    const auto &source = layouts.source, &destination = layouts.destination, &bias = layouts.bias;
    const auto weights = floats(extent, tag::any);
    // The forward description is a hint for the backward ones. With bfloat16 activations it must have bfloat16 weights too.
    const auto forward_weights = tensor(extent, s.bf16, tag::any);
    const auto how = algorithm::convolution_direct;
    const dims strides{s.stride_height, s.stride_width}, padding{s.padding_height, s.padding_width};
    // oneDNN counts the pixels between two values.
    const dims dilation{s.dilation_height - 1, s.dilation_width - 1};
    const auto forward = describe<dnnl::convolution_forward>(direction == ONEDNN_FORWARD ? s.clamp : no_clamp, prop_kind::forward_training, how, source,
                                                             forward_weights, bias, destination, strides, dilation, padding, padding);
    switch (direction) {
      case ONEDNN_BACKWARD_SOURCE:
        return weighted_backward_source<dnnl::convolution_backward_data>(
            describe_backward<dnnl::convolution_backward_data>(forward, how, source, weights, destination, strides, dilation, padding, padding),
            layouts);
      case ONEDNN_BACKWARD_WEIGHTS:
        return weighted_backward_weights<dnnl::convolution_backward_weights>(
            describe_backward<dnnl::convolution_backward_weights>(forward, how, source, weights, bias, destination, strides, dilation, padding,
                                                                  padding),
            layouts);
      default: return weighted_forward<dnnl::convolution_forward>(forward, layouts);
    }
  });
}

onednn_kernel *onednn_make_dense(const onednn_dense *shape, onednn_direction direction) {
  return guarded<onednn_kernel *>(nullptr, [&] {
    const auto &s = *shape;
    const Layouts layouts{tensor({s.batch, s.features}, s.bf16, tag::ab), tensor({s.batch, s.units}, s.bf16, tag::ab),
                          s.bias ? floats({s.units}, tag::a) : memory::desc(), floats({s.units, s.features}, tag::ab), s.bias};
    const auto &source = layouts.source, &destination = layouts.destination, &bias = layouts.bias;
    const auto weights = floats({s.units, s.features}, tag::any), forward_weights = tensor({s.units, s.features}, s.bf16, tag::any);
    const auto forward = describe<dnnl::inner_product_forward>(direction == ONEDNN_FORWARD ? s.clamp : no_clamp, prop_kind::forward_training, source,
                                                               forward_weights, bias, destination);
    switch (direction) {
      case ONEDNN_BACKWARD_SOURCE:
        return weighted_backward_source<dnnl::inner_product_backward_data>(
            describe_backward<dnnl::inner_product_backward_data>(forward, source, weights, destination), layouts);
      case ONEDNN_BACKWARD_WEIGHTS:
        return weighted_backward_weights<dnnl::inner_product_backward_weights>(
            describe_backward<dnnl::inner_product_backward_weights>(forward, source, weights, bias, destination), layouts);
      default: return weighted_forward<dnnl::inner_product_forward>(forward, layouts);
    }
  });
}

onednn_kernel *onednn_make_pooling(const onednn_pooling *shape, onednn_direction direction, bool training) {
  return guarded<onednn_kernel *>(nullptr, [&] {
    const auto &s = *shape;
    const int64_t out_height = (s.height + 2 * s.padding_height - s.kernel_height) / s.stride_height + 1;
    const int64_t out_width = (s.width + 2 * s.padding_width - s.kernel_width) / s.stride_width + 1;
    const auto source = floats({s.batch, s.channels, s.height, s.width}, tag::nhwc);
    const auto destination = floats({s.batch, s.channels, out_height, out_width}, tag::nhwc);
    const auto how = s.maximum ? algorithm::pooling_max : algorithm::pooling_avg_include_padding;
    const dims strides{s.stride_height, s.stride_width}, window{s.kernel_height, s.kernel_width}, padding{s.padding_height, s.padding_width};
    const auto kind = training || direction != ONEDNN_FORWARD ? prop_kind::forward_training : prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
    const dims dilation{0, 0};
    const auto forward =
        describe<dnnl::pooling_forward>(no_clamp, kind, how, source, destination, strides, window, dilation, padding, padding);
#else
    const auto forward = describe<dnnl::pooling_forward>(no_clamp, kind, how, source, destination, strides, window, padding, padding);
#endif
    std::unique_ptr<onednn_kernel> result;
    if (direction == ONEDNN_FORWARD) {
      result = kernel<dnnl::pooling_forward>(forward);
      result->used[ONEDNN_SOURCE] = source;
      result->used[ONEDNN_DESTINATION] = destination;
    } else {
#if DNNL_VERSION_MAJOR >= 3
      const auto description = describe_backward<dnnl::pooling_backward>(forward, how, source, destination, strides, window, dilation,
                                                                         padding, padding);
#else
      const auto description = describe_backward<dnnl::pooling_backward>(forward, how, source, destination, strides, window, padding, padding);
#endif
      result = kernel<dnnl::pooling_backward>(description);
      result->used[ONEDNN_SOURCE_GRADIENT] = source;
      result->used[ONEDNN_DESTINATION_GRADIENT] = destination;
    }
    if (kind == prop_kind::forward_training && s.maximum) result->used[ONEDNN_WORKSPACE] = forward.workspace_desc();
    return result.release();
  });
}

void onednn_release_kernel(onednn_kernel *kernel) { delete kernel; }

size_t onednn_bytes(const onednn_kernel *kernel, onednn_role role) {
  const auto found = kernel->used.find(role);
  return found == kernel->used.end() ? 0 : found->second.get_size();
}

const char *onednn_implementation(const onednn_kernel *kernel) { return kernel->implementation.c_str(); }

bool onednn_is_plain(const onednn_kernel *kernel, onednn_role role) {
  const auto plain = kernel->plain.find(role);
  return plain == kernel->plain.end() || plain->second == kernel->used.at(role);
}

static onednn_kernel *reorder(const memory::desc &from, const memory::desc &to) {
  dnnl::primitive_attr attribute;
  attribute.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::reorder::primitive_desc description(cpu(), from, cpu(), to, attribute);
  auto result = kernel<dnnl::reorder>(description);
  result->used[ONEDNN_SOURCE] = from;
  result->used[ONEDNN_DESTINATION] = to;
  return result.release();
}

onednn_kernel *onednn_make_pack(const onednn_kernel *kernel, onednn_role role) {
  return guarded<onednn_kernel *>(nullptr, [&] { return reorder(kernel->plain.at(role), kernel->used.at(role)); });
}

onednn_kernel *onednn_make_unpack(const onednn_kernel *kernel, onednn_role role) {
  return guarded<onednn_kernel *>(nullptr, [&] { return reorder(kernel->used.at(role), kernel->plain.at(role)); });
}

onednn_call *onednn_bind(const onednn_kernel *kernel, int count, const onednn_role *roles, void *const *pointers) {
  return guarded<onednn_call *>(nullptr, [&] {
    auto call = std::make_unique<onednn_call>();
    call->primitive = kernel->primitive;
    for (int i = 0; i < count; i++) {
      call->memories.emplace_back(kernel->used.at(roles[i]), cpu(), pointers[i]);
      call->arguments.emplace(argument(roles[i]), call->memories.back());
    }
    return call.release();
  });
}

void onednn_release_call(onednn_call *call) { delete call; }

void onednn_point(onednn_call *call, int index, void *pointer) { call->memories[index].set_data_handle(pointer); }

int onednn_execute(onednn_call *call) {
  return guarded<int>(1, [&] {
    call->primitive.execute(stream(), call->arguments);
    return 0;
  });
}
