// Chooses, once, the widest kernels that the processor runs.
#include "kernels.h"

#include "implementation.h"

namespace {

int64_t widest() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    return 16;
  }
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? 8 : 4;
}

const int64_t lanes = widest();

bool multiplies_bf16() { return lanes == 16 && __builtin_cpu_supports("avx512bf16"); }

const bool native = multiplies_bf16();

}  // namespace

#define CHOSEN(CALL) (lanes == 16 ? lanes16::CALL : lanes == 8 ? lanes8::CALL : lanes4::CALL)

#define CHOSEN_HALF(CALL) (native ? native_half::CALL : CHOSEN(CALL))

int64_t kernels_lanes(void) { return lanes; }

size_t kernels_product_prepared_count(const kernels_product *shape) {
  return shape->half ? CHOSEN_HALF(half_product_prepared_count(shape)) : CHOSEN(product_prepared_count(shape));
}

size_t kernels_product_scratch_count(const kernels_product *shape) {
  return shape->half ? CHOSEN_HALF(half_product_scratch_count(shape)) : CHOSEN(product_scratch_count(shape));
}

void kernels_product_prepare(const kernels_product *shape, const float *b, const kernels_matrix *order, void *prepared) {
  if (shape->half) {
    CHOSEN_HALF(half_product_prepare(shape, b, order, (int32_t *)prepared));
  } else {
    CHOSEN(product_prepare(shape, b, order, (float *)prepared));
  }
}

void kernels_product_run(const kernels_product *shape, const float *a, const void *prepared, float *c, const kernels_finish *finish,
                         void *scratch) {
  if (shape->half) {
    CHOSEN_HALF(half_product(shape, a, (const int32_t *)prepared, c, finish, (uint16_t *)scratch));
  } else {
    CHOSEN(product(shape, a, (const float *)prepared, c, finish, (float *)scratch));
  }
}

size_t kernels_winograd_prepared_count(const kernels_winograd *shape) {
  return shape->half ? CHOSEN_HALF(half_winograd_prepared_count(shape)) : CHOSEN(winograd_prepared_count(shape));
}

size_t kernels_winograd_scratch_count(const kernels_winograd *shape) {
  return shape->half ? CHOSEN_HALF(half_winograd_scratch_count(shape)) : CHOSEN(winograd_scratch_count(shape));
}

void kernels_winograd_prepare(const kernels_winograd *shape, const float *weights, int64_t filter_stride, int64_t channel_stride, bool flipped,
                              void *prepared) {
  if (shape->half) {
    CHOSEN_HALF(half_winograd_prepare(shape, weights, filter_stride, channel_stride, flipped, (int32_t *)prepared));
  } else {
    CHOSEN(winograd_prepare(shape, weights, filter_stride, channel_stride, flipped, (float *)prepared));
  }
}

void kernels_winograd_run(const kernels_winograd *shape, const float *source, const void *prepared, float *destination,
                          const kernels_finish *finish, float *scratch) {
  if (shape->half) {
    CHOSEN_HALF(half_winograd_run(shape, source, (const int32_t *)prepared, destination, finish, scratch));
  } else {
    CHOSEN(winograd_run(shape, source, (const float *)prepared, destination, finish, scratch));
  }
}

size_t kernels_input_gradient_prepared_count(const kernels_input_gradient *shape) { return CHOSEN(input_gradient_prepared_count(shape)); }
size_t kernels_input_gradient_scratch_count(const kernels_input_gradient *shape) { return CHOSEN(input_gradient_scratch_count(shape)); }

void kernels_input_gradient_prepare(const kernels_input_gradient *shape, const float *weights, float *prepared) {
  CHOSEN(input_gradient_prepare(shape, weights, prepared));
}

void kernels_input_gradient_run(const kernels_input_gradient *shape, const float *gradient, const float *prepared, float *destination,
                                float *scratch) {
  CHOSEN(input_gradient_run(shape, gradient, prepared, destination, scratch));
}

void kernels_max_pool_run(const kernels_max_pool *shape, const float *source, float *destination, uint8_t *places) {
  CHOSEN(max_pool(shape, source, destination, places));
}

void kernels_max_pool_gradient(const kernels_max_pool *shape, const float *gradient, const uint8_t *places, float *destination) {
  CHOSEN(max_pool_gradient(shape, gradient, places, destination));
}

void kernels_depthwise_prepare(const kernels_depthwise *shape, const float *weights, float *prepared) {
  CHOSEN(depthwise_prepare(shape, weights, prepared));
}

void kernels_depthwise_run(const kernels_depthwise *shape, const float *source, const float *prepared, float *destination,
                           const kernels_finish *finish) {
  CHOSEN(depthwise_run(shape, source, prepared, destination, finish));
}

void kernels_depthwise_gradient(const kernels_depthwise *shape, const float *gradient, const float *prepared, float *destination,
                                const kernels_finish *finish) {
  CHOSEN(depthwise_gradient(shape, gradient, prepared, destination, finish));
}

void kernels_mask(const float *gradient, const float *value, float low, float high, float *result, int64_t count) {
  CHOSEN(mask(gradient, value, low, high, result, count));
}

void kernels_add(const float *left, const float *right, float *result, int64_t count) { CHOSEN(add(left, right, result, count)); }

void kernels_ascend_signs(float *points, const float *gradient, const float *centre, float step, float radius, float low, float high,
                          int64_t count) {
  CHOSEN(ascend_signs(points, gradient, centre, step, radius, low, high, count));
}

void kernels_scale(const float *source, const float *factors, const kernels_finish *finish, float *result, int64_t rows, int64_t columns) {
  CHOSEN(scale(source, factors, finish, result, rows, columns));
}

void kernels_philox(const uint32_t key[2], const uint32_t counter[4], int64_t blocks, uint32_t *words) {
  CHOSEN(philox(key, counter, blocks, words));
}

void kernels_moments(const float *x, int64_t rows, int64_t channels, double *means, double *squares) {
  CHOSEN(moments(x, rows, channels, means, squares));
}

void kernels_gradient_moments(const float *dy, const float *x, const float *statistics, int64_t rows, int64_t channels, double *sums,
                              double *products) {
  CHOSEN(gradient_moments(dy, x, statistics, rows, channels, sums, products));
}

void kernels_centre(const float *dy, const float *x, const float *coefficients, const float *means, float *dx, int64_t rows, int64_t channels) {
  CHOSEN(centre(dy, x, coefficients, means, dx, rows, channels));
}

void kernels_activate(kernels_activation activation, const float *source, float *result, int64_t count) {
  CHOSEN(activate(activation, source, result, count));
}

void kernels_activate_gradient(kernels_activation activation, const float *gradient, const float *source, float *result, int64_t count) {
  CHOSEN(activate_gradient(activation, gradient, source, result, count));
}

void kernels_layer_norm(const float *source, const float *weight, const float *bias, float epsilon, float *result, float *statistics,
                        int64_t rows, int64_t columns) {
  CHOSEN(layer_norm(source, weight, bias, epsilon, result, statistics, rows, columns));
}

void kernels_layer_norm_gradient(const float *gradient, const float *source, const float *statistics, const float *weight, float *result,
                                 int64_t rows, int64_t columns) {
  CHOSEN(layer_norm_gradient(gradient, source, statistics, weight, result, rows, columns));
}

void kernels_layer_norm_weights(const float *gradient, const float *source, const float *statistics, float *weight_gradient,
                                float *bias_gradient, int64_t rows, int64_t columns) {
  CHOSEN(layer_norm_weights(gradient, source, statistics, weight_gradient, bias_gradient, rows, columns));
}

size_t kernels_attention_scratch_count(const kernels_attention *shape) { return CHOSEN(attention_scratch_count(shape)); }

void kernels_attention_run(const kernels_attention *shape, const float *source, float *destination, float *probabilities, float *scratch) {
  CHOSEN(attention(shape, source, destination, probabilities, scratch));
}

void kernels_attention_gradient(const kernels_attention *shape, const float *gradient, const float *source, const float *probabilities,
                                float *destination, float *scratch) {
  CHOSEN(attention_gradient(shape, gradient, source, probabilities, destination, scratch));
}

bool kernels_native_half(void) { return native; }

void kernels_round(const float *source, void *result, int64_t count) { CHOSEN_HALF(round_all(source, (uint16_t *)result, count)); }

size_t kernels_convolution_prepared_count(const kernels_convolution *shape) {
  return shape->half ? CHOSEN_HALF(half_convolution_prepared_count(shape)) : CHOSEN(convolution_prepared_count(shape));
}

size_t kernels_convolution_scratch_count(const kernels_convolution *shape) {
  return shape->half ? CHOSEN_HALF(half_convolution_scratch_count(shape)) : CHOSEN(convolution_scratch_count(shape));
}

void kernels_convolution_prepare(const kernels_convolution *shape, const float *weights, void *prepared) {
  if (shape->half) {
    CHOSEN_HALF(half_convolution_prepare(shape, weights, (int32_t *)prepared));
  } else {
    CHOSEN(convolution_prepare(shape, weights, (float *)prepared));
  }
}

void kernels_convolution_run(const kernels_convolution *shape, const float *source, const void *prepared, float *destination,
                             const kernels_finish *finish, void *scratch) {
  if (shape->half) {
    CHOSEN_HALF(half_convolution_run(shape, source, (const int32_t *)prepared, destination, finish, (uint16_t *)scratch));
  } else {
    CHOSEN(convolution_run(shape, source, (const float *)prepared, destination, finish, (float *)scratch));
  }
}
