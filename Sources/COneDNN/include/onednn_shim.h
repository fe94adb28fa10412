// The kernels of oneDNN behind a C interface: the only place that knows the library's version (2.6 and 3.x).
//
// Activations are channels-last float32, weights enter and leave in PyTorch's order; a kernel may want its weights in an
// order of its own, into which `onednn_pack` takes them. Every kernel runs on the calling thread alone.
//
// A function that makes something returns NULL on failure, and `onednn_last_error` says why on the same thread.
#ifndef ONEDNN_SHIM_H
#define ONEDNN_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A compiled kernel: immutable, may be run by many threads at once.
typedef struct onednn_kernel onednn_kernel;
// A kernel bound to the memory it works on: for one thread at a time.
typedef struct onednn_call onednn_call;

// What a piece of memory is to a kernel.
typedef enum {
  ONEDNN_SOURCE,
  ONEDNN_WEIGHTS,
  ONEDNN_BIAS,
  ONEDNN_DESTINATION,
  ONEDNN_SOURCE_GRADIENT,
  ONEDNN_WEIGHTS_GRADIENT,
  ONEDNN_BIAS_GRADIENT,
  ONEDNN_DESTINATION_GRADIENT,
  ONEDNN_WORKSPACE,
  ONEDNN_SCRATCHPAD
} onednn_role;

typedef enum { ONEDNN_FORWARD, ONEDNN_BACKWARD_SOURCE, ONEDNN_BACKWARD_WEIGHTS } onednn_direction;

// What a kernel brings its result into, forward only; `high` may be infinite.
typedef struct {
  bool applies;
  float low, high;
} onednn_clamp;

typedef struct {
  int64_t batch, height, width, channels, filters;
  int64_t kernel_height, kernel_width, stride_height, stride_width, padding_height, padding_width, groups;
  bool bias;
  bool half;  // source and destination are bfloat16, weights and bias float32: for ONEDNN_BACKWARD_WEIGHTS alone
  onednn_clamp clamp;
} onednn_convolution;

typedef struct {
  int64_t batch, features, units;
  bool bias;
  bool half;  // as of a convolution
  onednn_clamp clamp;
} onednn_dense;

typedef struct {
  int64_t batch, height, width, channels;
  int64_t kernel_height, kernel_width, stride_height, stride_width, padding_height, padding_width;
  bool maximum;  // else the mean, with padding counted as zeros
} onednn_pooling;

const char *onednn_last_error(void);
// "2.6.3"
const char *onednn_version(void);
// The instructions that kernels are compiled to, "AVX2".
const char *onednn_instructions(void);

onednn_kernel *onednn_make_convolution(const onednn_convolution *shape, onednn_direction direction);
onednn_kernel *onednn_make_dense(const onednn_dense *shape, onednn_direction direction);
// `direction` forward or backward to the source; `training` makes the forward kernel leave the workspace that backward reads.
onednn_kernel *onednn_make_pooling(const onednn_pooling *shape, onednn_direction direction, bool training);
void onednn_release_kernel(onednn_kernel *kernel);

// Bytes of the memory that the kernel wants for a role; 0 if it has none.
size_t onednn_bytes(const onednn_kernel *kernel, onednn_role role);
// The name of the implementation that was chosen.
const char *onednn_implementation(const onednn_kernel *kernel);
// Whether the kernel takes the role's memory in the plain order (PyTorch's for weights).
bool onednn_is_plain(const onednn_kernel *kernel, onednn_role role);
// Kernels from ONEDNN_SOURCE to ONEDNN_DESTINATION: plain order to the kernel's, and back.
onednn_kernel *onednn_make_pack(const onednn_kernel *kernel, onednn_role role);
onednn_kernel *onednn_make_unpack(const onednn_kernel *kernel, onednn_role role);

onednn_call *onednn_bind(const onednn_kernel *kernel, int count, const onednn_role *roles, void *const *pointers);
void onednn_release_call(onednn_call *call);
// Points the memory of the argument at `index` elsewhere.
void onednn_point(onednn_call *call, int index, void *pointer);
// 0, or not 0 with `onednn_last_error`.
int onednn_execute(onednn_call *call);

#ifdef __cplusplus
}
#endif
#endif
