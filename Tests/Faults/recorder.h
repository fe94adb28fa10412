// The parts of the recorder; recorder.c says what it is.

#define _GNU_SOURCE
// The calls are defined here under their real names, which fortified headers would turn into inline functions.
#undef _FORTIFY_SOURCE

#ifndef RECORDER_H
#define RECORDER_H

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
  OPEN = 1,      // made or cut to nothing; flag 1: cut
  WRITE = 2,     // data at offset; flag 1: synced by the call itself (O_DSYNC)
  RESIZE = 3,    // to offset bytes
  SYNC = 4,      // flag 1: of a folder
  SYNC_ALL = 5,  // sync, syncfs
  RENAME = 6,    // data: the new path
  UNLINK = 7,    // flag 1: of a folder
  MKDIR = 8,
  LINK = 9,      // data: the new path
  ANSWER = 10,   // data: the head of an HTTP answer
  RANGE = 11,    // sync_file_range: promises nothing, for the table only
  UNKNOWN = 12,  // path: of what; data: the name of the call
};

struct record {
  uint32_t path_bytes, data_bytes;
  uint8_t kind, flag;
  uint16_t unused;
  uint32_t thread;
  uint64_t inode, offset;
};

struct target {
  char path[PATH_MAX];
  struct stat status;
};

// What the parts of the recorder share is hidden from the program: its own `lock` and `record` stay its own.
#pragma GCC visibility push(hidden)

// The next definition of a function, behind this library.
#define REAL(name) ({ static __typeof__(&name) found; if (found == NULL) found = (__typeof__(&name))real(#name); found; })
// A system call by its number, past the recorder's own definition of `syscall`.
#define kernel(...) REAL(syscall)(__VA_ARGS__)
void *real(const char *name);

// Whether this process is recorded.
bool recording(void);
// To be held around a call and its record. `unlock` leaves errno as it was.
void lock(void);
void unlock(void);
// To be called under the lock. Leaves errno as it was.
void record(enum kind kind, int flag, uint64_t inode, uint64_t offset, const char *path, const void *data, size_t bytes);
// Notes, outside the lock, a call that cannot be followed.
void note_unknown(const char *path, const char *call);

// Whether `descriptor` is a regular file or folder below the folder.
bool is_recorded(int descriptor, struct target *target);
// `path` as seen from `directory`, made absolute. False when it does not lie below the folder.
bool is_resolved(int directory, const char *path, char *result);
// 0 when there is nothing of that name.
uint64_t inode_of(const char *path);

#pragma GCC visibility pop

#endif
