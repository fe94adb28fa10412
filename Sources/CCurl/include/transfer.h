// One HTTP request by libcurl. libcurl's own header stays out of sight: Swift can call no function with any number of arguments, and would
// take the system's sockets that it brings along for libcurl's.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct temper_transfer temper_transfer;

// What becomes of a transfer.
typedef enum {
  TEMPER_TRANSFER_DONE,
  TEMPER_TRANSFER_CANCELLED,
  TEMPER_TRANSFER_UNKNOWN_HOST,
  TEMPER_TRANSFER_CANNOT_CONNECT,
  TEMPER_TRANSFER_TIMED_OUT,
  TEMPER_TRANSFER_CONNECTION_LOST,
  TEMPER_TRANSFER_UNTRUSTED,
  TEMPER_TRANSFER_MALFORMED_URL,
  TEMPER_TRANSFER_UNREADABLE_FILE,
  TEMPER_TRANSFER_OTHER,
} temper_transfer_end;

// Called with the context, on the thread that runs the transfer. A stream's function returns the bytes that it took or gave; a sink that
// takes fewer ends the transfer, and so does a source that returns SIZE_MAX.
typedef struct {
  void *context;
  size_t (*header)(void *context, const char *bytes, size_t count);
  size_t (*data)(void *context, const char *bytes, size_t count);
  // NULL for a request without a body.
  size_t (*body)(void *context, char *bytes, size_t count);
  // Whether a numeric address may be connected to, asked right before; NULL: any, and proxies of the environment are used.
  bool (*allows)(void *context, const char *host, int port);
} temper_transfer_calls;

// NULL where libcurl has no memory. The calls and their context must outlive it.
temper_transfer *temper_transfer_new(const char *method, const char *url, temper_transfer_calls calls);
void temper_transfer_free(temper_transfer *transfer);

void temper_transfer_add_header(temper_transfer *transfer, const char *line);
// A part of a form: the file at a path.
void temper_transfer_add_part(temper_transfer *transfer, const char *name, const char *path);
// The body that `calls.body` gives has so many bytes.
void temper_transfer_set_body_bytes(temper_transfer *transfer, int64_t count);
// Paths of files of PEM, or NULL: of the authorities, of the certificate to show and of its key.
void temper_transfer_set_trust(temper_transfer *transfer, const char *authorities, const char *certificate, const char *key);
// Seconds without a byte after which it fails, and seconds in all; 0: any.
void temper_transfer_set_seconds(temper_transfer *transfer, long idle, long most);

// Runs it to its end.
temper_transfer_end temper_transfer_run(temper_transfer *transfer);
// Ends a run at once; from any thread.
void temper_transfer_cancel(temper_transfer *transfer);

// The status of the answer, or of the interim answer that has come last; 0 before.
long temper_transfer_status(const temper_transfer *transfer);
// Why it failed, as a phrase.
const char *temper_transfer_error(const temper_transfer *transfer);
