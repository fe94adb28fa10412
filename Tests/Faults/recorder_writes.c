// What changes the content of a file, what syncs it, and what is sent.

#include "recorder.h"

// MARK: Writing

// The bytes of `descriptor` from `offset` as they are now, through a descriptor of our own, for this one may be for writing only.
static void record_written(int descriptor, const struct target *target, int flag, uint64_t offset, size_t bytes) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  int reader = (int)kernel(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
  char *copy = malloc(bytes);
  if (reader < 0 || copy == NULL || kernel(SYS_pread64, reader, copy, bytes, offset) != (long)bytes) {
    record(UNKNOWN, 0, 0, 0, target->path, "write", 5);
  } else {
    record(WRITE, flag, target->status.st_ino, offset, target->path, copy, bytes);
  }
  if (reader >= 0) kernel(SYS_close, reader);
  free(copy);
}

static bool is_synchronous(int descriptor) { return (fcntl(descriptor, F_GETFL) & O_DSYNC) != 0; }

// After a write of `bytes` at the descriptor's own position, or at `offset` where that is not -1.
static void wrote(int descriptor, struct target *target, off_t offset, long bytes) {
  if (bytes <= 0) return;
  int before = errno;
  // pwrite on a descriptor with O_APPEND writes at the end, whatever its offset says.
  bool appends = (fcntl(descriptor, F_GETFL) & O_APPEND) != 0;
  if (offset < 0) {
    offset = lseek(descriptor, 0, SEEK_CUR) - bytes;
  } else if (appends && fstat(descriptor, &target->status) == 0) {
    offset = target->status.st_size - bytes;
  }
  record_written(descriptor, target, is_synchronous(descriptor), (uint64_t)offset, (size_t)bytes);
  errno = before;
}

#define WITH_LOCK(call, offset) \
  lock(); \
  long result = (call); \
  wrote(descriptor, &target, offset, result); \
  unlock(); \
  return result;

// An answer is noted before its first byte leaves: whatever comes later in the trace may have happened after the client had it.
static void note_answer(int descriptor, const char *start, size_t bytes) {
  struct stat status;
  if (bytes < 12 || memcmp(start, "HTTP/1.1 ", 9) != 0) return;
  int before = errno;
  if (recording() && fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode)) {
    lock();
    record(ANSWER, 0, 0, 0, "", start, bytes < 1024 ? bytes : 1024);
    unlock();
  }
  errno = before;
}

static void note_pieces(int descriptor, const struct iovec *pieces, int count) {
  char head[1024];
  size_t bytes = 0;
  for (int index = 0; index < count && bytes < sizeof head; index++) {
    size_t piece = pieces[index].iov_len < sizeof head - bytes ? pieces[index].iov_len : sizeof head - bytes;
    memcpy(head + bytes, pieces[index].iov_base, piece);
    bytes += piece;
  }
  note_answer(descriptor, head, bytes);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
  struct target target;
  if (is_recorded(descriptor, &target)) { WITH_LOCK(kernel(SYS_write, descriptor, bytes, count), -1) }
  note_answer(descriptor, bytes, count);
  return REAL(write)(descriptor, bytes, count);
}
ssize_t writev(int descriptor, const struct iovec *pieces, int count) {
  struct target target;
  if (is_recorded(descriptor, &target)) { WITH_LOCK(kernel(SYS_writev, descriptor, pieces, count), -1) }
  note_pieces(descriptor, pieces, count);
  return REAL(writev)(descriptor, pieces, count);
}
#define WRITE_AT(name, parameters, arguments) \
  ssize_t name parameters { \
    struct target target; \
    if (!is_recorded(descriptor, &target)) return REAL(name) arguments; \
    WITH_LOCK(REAL(name) arguments, offset) \
  }
WRITE_AT(pwrite, (int descriptor, const void *bytes, size_t count, off_t offset), (descriptor, bytes, count, offset))
WRITE_AT(pwrite64, (int descriptor, const void *bytes, size_t count, off64_t offset), (descriptor, bytes, count, offset))
WRITE_AT(pwritev, (int descriptor, const struct iovec *pieces, int count, off_t offset), (descriptor, pieces, count, offset))
WRITE_AT(pwritev64, (int descriptor, const struct iovec *pieces, int count, off64_t offset), (descriptor, pieces, count, offset))
WRITE_AT(
  pwritev2, (int descriptor, const struct iovec *pieces, int count, off_t offset, int flags), (descriptor, pieces, count, offset, flags))
WRITE_AT(
  pwritev64v2, (int descriptor, const struct iovec *pieces, int count, off64_t offset, int flags), (descriptor, pieces, count, offset, flags))

ssize_t sendfile(int descriptor, int source, off_t *from, size_t count) {
  struct target target;
  if (!is_recorded(descriptor, &target)) return REAL(sendfile)(descriptor, source, from, count);
  WITH_LOCK(REAL(sendfile)(descriptor, source, from, count), -1)
}
ssize_t sendfile64(int descriptor, int source, off64_t *from, size_t count) {
  struct target target;
  if (!is_recorded(descriptor, &target)) return REAL(sendfile64)(descriptor, source, from, count);
  WITH_LOCK(REAL(sendfile64)(descriptor, source, from, count), -1)
}
ssize_t copy_file_range(int source, off64_t *from, int descriptor, off64_t *to, size_t count, unsigned flags) {
  struct target target;
  if (!is_recorded(descriptor, &target)) return kernel(SYS_copy_file_range, source, from, descriptor, to, count, flags);
  off64_t offset = to != NULL ? *to : -1;
  WITH_LOCK(kernel(SYS_copy_file_range, source, from, descriptor, to, count, flags), offset)
}
ssize_t splice(int source, off64_t *from, int descriptor, off64_t *to, size_t count, unsigned flags) {
  struct target target;
  if (!is_recorded(descriptor, &target)) return REAL(splice)(source, from, descriptor, to, count, flags);
  off64_t offset = to != NULL ? *to : -1;
  WITH_LOCK(REAL(splice)(source, from, descriptor, to, count, flags), offset)
}

#define RESIZE_BY(name, parameters, arguments) \
  int name parameters { \
    struct target target; \
    if (!is_recorded(descriptor, &target)) return REAL(name) arguments; \
    lock(); \
    int result = REAL(name) arguments; \
    struct stat status; \
    if (result == 0 && fstat(descriptor, &status) == 0 && status.st_size != target.status.st_size) { \
      record(RESIZE, 0, status.st_ino, (uint64_t)status.st_size, target.path, NULL, 0); \
    } \
    unlock(); \
    return result; \
  }
RESIZE_BY(ftruncate, (int descriptor, off_t size), (descriptor, size))
RESIZE_BY(ftruncate64, (int descriptor, off64_t size), (descriptor, size))
RESIZE_BY(posix_fallocate, (int descriptor, off_t offset, off_t bytes), (descriptor, offset, bytes))
RESIZE_BY(posix_fallocate64, (int descriptor, off64_t offset, off64_t bytes), (descriptor, offset, bytes))

// Modes other than allocation (punching holes, zeroing) change the content.
#define ALLOCATE(name, type) \
  int name(int descriptor, int mode, type offset, type bytes) { \
    struct target target; \
    if (!is_recorded(descriptor, &target)) return REAL(name)(descriptor, mode, offset, bytes); \
    if (mode & ~1) note_unknown(target.path, "fallocate"); \
    lock(); \
    int result = REAL(name)(descriptor, mode, offset, bytes); \
    struct stat status; \
    if (result == 0 && fstat(descriptor, &status) == 0 && status.st_size != target.status.st_size) { \
      record(RESIZE, 0, status.st_ino, (uint64_t)status.st_size, target.path, NULL, 0); \
    } \
    unlock(); \
    return result; \
  }
ALLOCATE(fallocate, off_t)
ALLOCATE(fallocate64, off64_t)

#define RESIZE_PATH(name, type) \
  int name(const char *path, type size) { \
    char whole[PATH_MAX]; \
    if (!is_resolved(AT_FDCWD, path, whole)) return REAL(name)(path, size); \
    lock(); \
    int result = REAL(name)(path, size); \
    if (result == 0) record(RESIZE, 0, inode_of(whole), (uint64_t)size, whole, NULL, 0); \
    unlock(); \
    return result; \
  }
RESIZE_PATH(truncate, off_t)
RESIZE_PATH(truncate64, off64_t)

// MARK: Syncing

#define SYNC_BY(name) \
  int name(int descriptor) { \
    struct target target; \
    if (!is_recorded(descriptor, &target)) return REAL(name)(descriptor); \
    lock(); \
    int result = REAL(name)(descriptor); \
    if (result == 0) record(SYNC, S_ISDIR(target.status.st_mode), target.status.st_ino, 0, target.path, NULL, 0); \
    unlock(); \
    return result; \
  }
SYNC_BY(fsync)
SYNC_BY(fdatasync)

int syncfs(int descriptor) {
  struct target target;
  if (!is_recorded(descriptor, &target)) return REAL(syncfs)(descriptor);
  lock();
  int result = REAL(syncfs)(descriptor);
  if (result == 0) record(SYNC_ALL, 0, 0, 0, target.path, NULL, 0);
  unlock();
  return result;
}
void sync(void) {
  if (!recording()) {
    REAL(sync)();
    return;
  }
  lock();
  REAL(sync)();
  record(SYNC_ALL, 0, 0, 0, "", NULL, 0);
  unlock();
}
int sync_file_range(int descriptor, off64_t offset, off64_t bytes, unsigned flags) {
  struct target target;
  if (!is_recorded(descriptor, &target)) return REAL(sync_file_range)(descriptor, offset, bytes, flags);
  lock();
  int result = REAL(sync_file_range)(descriptor, offset, bytes, flags);
  if (result == 0) record(RANGE, 0, target.status.st_ino, (uint64_t)offset, target.path, NULL, 0);
  unlock();
  return result;
}

// MARK: Answers

ssize_t send(int descriptor, const void *bytes, size_t count, int flags) {
  note_answer(descriptor, bytes, count);
  return REAL(send)(descriptor, bytes, count, flags);
}
ssize_t sendto(int descriptor, const void *bytes, size_t count, int flags, const struct sockaddr *address, socklen_t length) {
  note_answer(descriptor, bytes, count);
  return REAL(sendto)(descriptor, bytes, count, flags, address, length);
}
ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
  note_pieces(descriptor, message->msg_iov, (int)message->msg_iovlen);
  return REAL(sendmsg)(descriptor, message, flags);
}
