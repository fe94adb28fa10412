#include "pictures.h"

#include <stdio.h>

#include <webp/decode.h>

static int fail(char *reason, VP8StatusCode status) {
  const char *text = status == VP8_STATUS_NOT_ENOUGH_DATA ? "it ends too early"
                     : status == VP8_STATUS_OUT_OF_MEMORY ? "there is no memory for it"
                     : status == VP8_STATUS_UNSUPPORTED_FEATURE ? "it has a feature that libwebp does not know"
                                                                 : "its data are damaged";
  snprintf(reason, PICTURE_REASON_BYTES, "%s", text);
  return 1;
}

int picture_webp_facts(const uint8_t *bytes, size_t count, struct PictureFacts *facts, char *reason) {
  WebPBitstreamFeatures features;
  VP8StatusCode status = WebPGetFeatures(bytes, count, &features);
  if (status != VP8_STATUS_OK) return fail(reason, status);
  if (features.has_animation) {
    snprintf(reason, PICTURE_REASON_BYTES, "it is an animation; one picture is wanted");
    return 1;
  }
  facts->width = features.width;
  facts->height = features.height;
  facts->channels = 3;
  facts->has_alpha = features.has_alpha;
  return 0;
}

int picture_webp_decode(const uint8_t *bytes, size_t count, struct PictureFacts facts, uint8_t *pixels, char *reason) {
  WebPDecoderConfig configuration;
  if (!WebPInitDecoderConfig(&configuration)) return fail(reason, VP8_STATUS_UNSUPPORTED_FEATURE);
  configuration.output.colorspace = MODE_RGB;
  configuration.output.is_external_memory = 1;
  configuration.output.u.RGBA.rgba = pixels;
  configuration.output.u.RGBA.stride = 3 * facts.width;
  configuration.output.u.RGBA.size = (size_t)3 * (size_t)facts.width * (size_t)facts.height;
  VP8StatusCode status = WebPDecode(bytes, count, &configuration);
  WebPFreeDecBuffer(&configuration.output);
  return status == VP8_STATUS_OK ? 0 : fail(reason, status);
}
