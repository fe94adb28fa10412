#include <openssl/evp.h>
#include <openssl/err.h>
#include <openssl/sha.h>
