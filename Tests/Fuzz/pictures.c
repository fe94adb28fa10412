// libFuzzer's target: any bytes as a picture of each format.

#include "pictures.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef int (*Facts)(const uint8_t *, size_t, struct PictureFacts *, char *);
typedef int (*Decode)(const uint8_t *, size_t, struct PictureFacts, uint8_t *, char *);

/// Fewer than in the service, so that a run tries more pictures.
enum { MOST_PIXELS = 1 << 18 };

static void try_format(const uint8_t *bytes, size_t count, Facts read, Decode decode) {
  struct PictureFacts facts;
  char reason[PICTURE_REASON_BYTES];
  memset(reason, 'x', sizeof reason);
  if (read(bytes, count, &facts, reason)) {
    assert(memchr(reason, 0, sizeof reason));
    return;
  }
  assert(facts.channels == 1 || facts.channels == 3);
  if (facts.width < 1 || facts.height < 1 || (int64_t)facts.width * facts.height > MOST_PIXELS) return;
  // As many bytes as are promised, so that AddressSanitizer sees one too many.
  uint8_t *pixels = malloc((size_t)facts.width * (size_t)facts.height * (size_t)facts.channels);
  if (decode(bytes, count, facts, pixels, reason)) assert(memchr(reason, 0, sizeof reason));
  free(pixels);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  try_format(bytes, count, picture_jpeg_facts, picture_jpeg_decode);
  try_format(bytes, count, picture_png_facts, picture_png_decode);
  try_format(bytes, count, picture_webp_facts, picture_webp_decode);
  return 0;
}
