#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

// Options and modes that the headers write as macros which Swift cannot read.

// A peer must not start the handshake anew within a connection, which costs the server far more than the peer. The server's order of
// ciphers counts. A connection that ends without close_notify has ended: the framing of HTTP says whether a message is whole.
static inline uint64_t temper_tls_options(void) {
  return SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF;
}

// A write may take a part of its bytes, and may be repeated from another place in memory. An idle connection has no buffers.
static inline long temper_tls_modes(void) {
  return SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS;
}
