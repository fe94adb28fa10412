#include "transfer.h"

#include <curl/curl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

struct temper_transfer {
  CURL *easy;
  CURLM *multi;
  struct curl_slist *headers;
  curl_mime *form;
  temper_transfer_calls calls;
  atomic_bool is_cancelled;
  // An option could not be set, or an error of the transfer.
  CURLcode code;
  char error[CURL_ERROR_SIZE];
};

static size_t take_header(char *bytes, size_t size, size_t count, void *transfer) {
  temper_transfer *self = transfer;
  return self->calls.header(self->calls.context, bytes, size * count);
}

static size_t take_data(char *bytes, size_t size, size_t count, void *transfer) {
  temper_transfer *self = transfer;
  return self->calls.data(self->calls.context, bytes, size * count);
}

static size_t give_body(char *bytes, size_t size, size_t count, void *transfer) {
  temper_transfer *self = transfer;
  size_t given = self->calls.body(self->calls.context, bytes, size * count);
  return given == SIZE_MAX ? CURL_READFUNC_ABORT : given;
}

static curl_socket_t open_socket(void *transfer, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  temper_transfer *self = transfer;
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (getnameinfo(&address->addr, address->addrlen, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return CURL_SOCKET_BAD;
  if (!self->calls.allows(self->calls.context, host, atoi(port))) return CURL_SOCKET_BAD;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static pthread_once_t library = PTHREAD_ONCE_INIT;
static void make_ready(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

// The first option that cannot be set ends the run before it begins.
#define SET(transfer, option, value)                                                           \
  do {                                                                                         \
    CURLcode set = curl_easy_setopt((transfer)->easy, option, value);                          \
    if ((transfer)->code == CURLE_OK) (transfer)->code = set;                                  \
  } while (0)

static void set_calls(temper_transfer *self) {
  SET(self, CURLOPT_HEADERFUNCTION, take_header);
  SET(self, CURLOPT_HEADERDATA, self);
  SET(self, CURLOPT_WRITEFUNCTION, take_data);
  SET(self, CURLOPT_WRITEDATA, self);
  if (self->calls.body != NULL) {
    SET(self, CURLOPT_UPLOAD, 1L);
    SET(self, CURLOPT_READFUNCTION, give_body);
    SET(self, CURLOPT_READDATA, self);
  }
  if (self->calls.allows != NULL) {
    // A proxy would connect to another address than the one that is looked at.
    SET(self, CURLOPT_PROXY, "");
    SET(self, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(self, CURLOPT_OPENSOCKETDATA, self);
  }
}

temper_transfer *temper_transfer_new(const char *method, const char *url, temper_transfer_calls calls) {
  pthread_once(&library, make_ready);
  temper_transfer *self = calloc(1, sizeof *self);
  if (self == NULL) return NULL;
  self->calls = calls;
  self->easy = curl_easy_init();
  self->multi = curl_multi_init();
  if (self->easy == NULL || self->multi == NULL) {
    temper_transfer_free(self);
    return NULL;
  }
  SET(self, CURLOPT_ERRORBUFFER, self->error);
  SET(self, CURLOPT_URL, url);
  SET(self, CURLOPT_CUSTOMREQUEST, method);
  SET(self, CURLOPT_PROTOCOLS_STR, "http,https");
  SET(self, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  SET(self, CURLOPT_NOSIGNAL, 1L);
  set_calls(self);
  return self;
}

void temper_transfer_free(temper_transfer *self) {
  if (self == NULL) return;
  if (self->easy != NULL) curl_easy_cleanup(self->easy);
  if (self->multi != NULL) curl_multi_cleanup(self->multi);
  curl_slist_free_all(self->headers);
  curl_mime_free(self->form);
  free(self);
}

void temper_transfer_add_header(temper_transfer *self, const char *line) {
  struct curl_slist *longer = curl_slist_append(self->headers, line);
  if (longer == NULL)
    self->code = CURLE_OUT_OF_MEMORY;
  else
    self->headers = longer;
}

void temper_transfer_add_part(temper_transfer *self, const char *name, const char *path) {
  if (self->form == NULL) self->form = curl_mime_init(self->easy);
  curl_mimepart *part = self->form == NULL ? NULL : curl_mime_addpart(self->form);
  CURLcode code = part == NULL ? CURLE_OUT_OF_MEMORY : curl_mime_name(part, name);
  if (code == CURLE_OK) code = curl_mime_filedata(part, path);
  if (self->code == CURLE_OK) self->code = code;
}

void temper_transfer_set_body_bytes(temper_transfer *self, int64_t count) { SET(self, CURLOPT_INFILESIZE_LARGE, (curl_off_t)count); }

void temper_transfer_set_trust(temper_transfer *self, const char *authorities, const char *certificate, const char *key) {
  if (authorities != NULL) SET(self, CURLOPT_CAINFO, authorities);
  if (certificate != NULL) SET(self, CURLOPT_SSLCERT, certificate);
  if (key != NULL) SET(self, CURLOPT_SSLKEY, key);
}

void temper_transfer_set_seconds(temper_transfer *self, long idle, long most) {
  SET(self, CURLOPT_LOW_SPEED_LIMIT, 1L);
  SET(self, CURLOPT_LOW_SPEED_TIME, idle);
  SET(self, CURLOPT_CONNECTTIMEOUT, idle < 30 ? idle : 30L);
  SET(self, CURLOPT_TIMEOUT, most);
}

static CURLcode result_of(CURLM *multi) {
  int left = 0;
  for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL;)
    if (message->msg == CURLMSG_DONE) return message->data.result;
  return CURLE_FAILED_INIT;
}

static temper_transfer_end end_of(CURLcode code) {
  switch (code) {
    case CURLE_OK: return TEMPER_TRANSFER_DONE;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return TEMPER_TRANSFER_UNKNOWN_HOST;
    case CURLE_COULDNT_CONNECT: return TEMPER_TRANSFER_CANNOT_CONNECT;
    case CURLE_OPERATION_TIMEDOUT: return TEMPER_TRANSFER_TIMED_OUT;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE: return TEMPER_TRANSFER_CONNECTION_LOST;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CONNECT_ERROR: return TEMPER_TRANSFER_UNTRUSTED;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return TEMPER_TRANSFER_MALFORMED_URL;
    case CURLE_READ_ERROR: return TEMPER_TRANSFER_UNREADABLE_FILE;
    default: return TEMPER_TRANSFER_OTHER;
  }
}

temper_transfer_end temper_transfer_run(temper_transfer *self) {
  if (self->headers != NULL) SET(self, CURLOPT_HTTPHEADER, self->headers);
  if (self->form != NULL) SET(self, CURLOPT_MIMEPOST, self->form);
  if (self->code != CURLE_OK) return end_of(self->code);
  if (curl_multi_add_handle(self->multi, self->easy) != CURLM_OK) return TEMPER_TRANSFER_OTHER;
  int left = 1;
  while (left > 0 && !atomic_load(&self->is_cancelled)) {
    if (curl_multi_perform(self->multi, &left) != CURLM_OK) break;
    if (left > 0) curl_multi_poll(self->multi, NULL, 0, 1000, NULL);
  }
  bool is_cancelled = left > 0 && atomic_load(&self->is_cancelled);
  self->code = result_of(self->multi);
  curl_multi_remove_handle(self->multi, self->easy);
  return is_cancelled ? TEMPER_TRANSFER_CANCELLED : end_of(self->code);
}

void temper_transfer_cancel(temper_transfer *self) {
  atomic_store(&self->is_cancelled, true);
  curl_multi_wakeup(self->multi);
}

long temper_transfer_status(const temper_transfer *self) {
  long status = 0;
  curl_easy_getinfo(self->easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

const char *temper_transfer_error(const temper_transfer *self) {
  return self->error[0] != 0 ? self->error : curl_easy_strerror(self->code);
}
