// The functions that are compiled once for each width of vector registers.
#pragma once

#include "kernels.h"

#define DECLARE_HALF_KERNELS                                                                                                             \
  void round_all(const float *source, uint16_t *target, int64_t count);                                                                  \
  size_t half_product_prepared_count(const kernels_product *s);                                                                          \
  size_t half_product_scratch_count(const kernels_product *s);                                                                           \
  void half_product_prepare(const kernels_product *s, const float *b, const kernels_matrix *order, int32_t *prepared);                   \
  void half_product(const kernels_product *s, const float *a, const int32_t *prepared, float *c, const kernels_finish *finish,           \
                    uint16_t *scratch);                                                                                                  \
  size_t half_winograd_prepared_count(const kernels_winograd *s);                                                                        \
  size_t half_winograd_scratch_count(const kernels_winograd *s);                                                                         \
  void half_winograd_prepare(const kernels_winograd *s, const float *weights, int64_t filter_stride, int64_t channel_stride,             \
                             bool flipped, int32_t *prepared);                                                                           \
  void half_winograd_run(const kernels_winograd *s, const float *source, const int32_t *prepared, float *destination,                    \
                         const kernels_finish *finish, float *scratch);                                                                  \
  size_t half_convolution_prepared_count(const kernels_convolution *s);                                                                  \
  size_t half_convolution_scratch_count(const kernels_convolution *s);                                                                   \
  void half_convolution_prepare(const kernels_convolution *s, const float *weights, int32_t *prepared);                                  \
  void half_convolution_run(const kernels_convolution *s, const float *source, const int32_t *prepared, float *destination,              \
                            const kernels_finish *finish, uint16_t *scratch);

#define DECLARE_KERNELS(NAMESPACE)                                                                                                       \
  namespace NAMESPACE {                                                                                                                  \
  size_t product_prepared_count(const kernels_product *s);                                                                               \
  void product_prepare(const kernels_product *s, const float *b, const kernels_matrix *order, float *prepared);                          \
  size_t product_scratch_count(const kernels_product *s);                                                                                 \
  void product(const kernels_product *s, const float *a, const float *prepared, float *c, const kernels_finish *finish, float *scratch);   \
  size_t convolution_prepared_count(const kernels_convolution *s);                                                                       \
  size_t convolution_scratch_count(const kernels_convolution *s);                                                                        \
  void convolution_prepare(const kernels_convolution *s, const float *weights, float *prepared);                                         \
  void convolution_run(const kernels_convolution *s, const float *source, const float *prepared, float *destination,                     \
                       const kernels_finish *finish, float *scratch);                                                                    \
  size_t winograd_prepared_count(const kernels_winograd *s);                                                                             \
  size_t winograd_scratch_count(const kernels_winograd *s);                                                                              \
  void winograd_prepare(const kernels_winograd *s, const float *weights, int64_t filter_stride, int64_t channel_stride, bool flipped,     \
                        float *prepared);                                                                                                \
  void winograd_run(const kernels_winograd *s, const float *source, const float *prepared, float *destination,                            \
                    const kernels_finish *finish, float *scratch);                                                                       \
  size_t input_gradient_prepared_count(const kernels_input_gradient *s);                                                                 \
  size_t input_gradient_scratch_count(const kernels_input_gradient *s);                                                                  \
  void input_gradient_prepare(const kernels_input_gradient *s, const float *weights, float *prepared);                                   \
  void input_gradient_run(const kernels_input_gradient *s, const float *gradient, const float *prepared, float *destination,              \
                          float *scratch);                                                                                               \
  void max_pool(const kernels_max_pool *s, const float *source, float *destination, uint8_t *places);                                     \
  void max_pool_gradient(const kernels_max_pool *s, const float *gradient, const uint8_t *places, float *destination);                    \
  void depthwise_prepare(const kernels_depthwise *s, const float *weights, float *prepared);                                             \
  void depthwise_run(const kernels_depthwise *s, const float *source, const float *prepared, float *destination,                         \
                     const kernels_finish *finish);                                                                                      \
  void depthwise_gradient(const kernels_depthwise *s, const float *gradient, const float *prepared, float *destination,                  \
                          const kernels_finish *finish);                                                                                 \
  void mask(const float *gradient, const float *value, float low, float high, float *result, int64_t count);                             \
  void add(const float *left, const float *right, float *result, int64_t count);                                                         \
  void ascend_signs(float *points, const float *gradient, const float *centre, float step, float radius, float low, float high,            \
                    int64_t count);                                                                                                      \
  void scale(const float *source, const float *factors, const kernels_finish *finish, float *result, int64_t rows, int64_t columns);     \
  void philox(const uint32_t *key, const uint32_t *counter, int64_t blocks, uint32_t *words);                                            \
  void moments(const float *x, int64_t rows, int64_t channels, double *means, double *squares);                                          \
  void gradient_moments(const float *dy, const float *x, const float *statistics, int64_t rows, int64_t channels, double *sums,          \
                        double *products);                                                                                               \
  void centre(const float *dy, const float *x, const float *coefficients, const float *means, float *dx, int64_t rows, int64_t channels); \
  void activate(kernels_activation activation, const float *source, float *result, int64_t count);                                       \
  void activate_gradient(kernels_activation activation, const float *gradient, const float *source, float *result, int64_t count);       \
  void layer_norm(const float *source, const float *weight, const float *bias, float epsilon, float *result, float *statistics,          \
                  int64_t rows, int64_t columns);                                                                                        \
  void layer_norm_gradient(const float *gradient, const float *source, const float *statistics, const float *weight, float *result,      \
                           int64_t rows, int64_t columns);                                                                               \
  void layer_norm_weights(const float *gradient, const float *source, const float *statistics, float *weight_gradient,                   \
                          float *bias_gradient, int64_t rows, int64_t columns);                                                          \
  size_t attention_scratch_count(const kernels_attention *s);                                                                            \
  void attention(const kernels_attention *s, const float *source, float *destination, float *probabilities, float *scratch);             \
  void attention_gradient(const kernels_attention *s, const float *gradient, const float *source, const float *probabilities,            \
                          float *destination, float *scratch);                                                                           \
  DECLARE_HALF_KERNELS                                                                                                                   \
  }

DECLARE_KERNELS(lanes4)
DECLARE_KERNELS(lanes8)
DECLARE_KERNELS(lanes16)

// With the processor's own products of bfloat16.
namespace native_half {
DECLARE_HALF_KERNELS
}
