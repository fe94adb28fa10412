#pragma once

#include <stddef.h>
#include <stdint.h>

/// What the header of a picture says.
struct PictureFacts {
  int32_t width, height;
  /// 1 for grey, 3 for red, green and blue.
  int32_t channels;
  /// Whether there is transparency, which decoding leaves out.
  int32_t has_alpha;
};

/// The room for the reason of a failure, with the zero at its end.
enum { PICTURE_REASON_BYTES = 200 };

// Each returns 0, or another number with the reason in `reason`. `pixels` takes height × width × channels bytes, from the top row. Nothing
// of libjpeg, libpng and libwebp is seen outside: the first two leave their errors by longjmp, which Swift cannot.

int picture_jpeg_facts(const uint8_t *bytes, size_t count, struct PictureFacts *facts, char *reason);
int picture_jpeg_decode(const uint8_t *bytes, size_t count, struct PictureFacts facts, uint8_t *pixels, char *reason);
int picture_png_facts(const uint8_t *bytes, size_t count, struct PictureFacts *facts, char *reason);
int picture_png_decode(const uint8_t *bytes, size_t count, struct PictureFacts facts, uint8_t *pixels, char *reason);
int picture_webp_facts(const uint8_t *bytes, size_t count, struct PictureFacts *facts, char *reason);
int picture_webp_decode(const uint8_t *bytes, size_t count, struct PictureFacts facts, uint8_t *pixels, char *reason);
