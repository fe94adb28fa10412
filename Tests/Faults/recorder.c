// Records what a process does to the files below one folder, and when it answers over HTTP. Loaded with LD_PRELOAD.
//
// TEMPER_RECORDER_TRACE names the trace file, TEMPER_RECORDER_FOLDER the folder (absolute, without links or a final slash).
// One lock is held around each call and its record, so the order in the trace is the order on the disk. The lock is also an flock of
// the trace file: it holds across processes, and whoever takes it can kill the process between two records.
//
// Nothing is remembered about descriptors. Each call asks the kernel what its descriptor is (fstat, /proc/self/fd), so close, dup and
// descriptors opened elsewhere need no record. What cannot be followed (a shared writable mapping, stdio) is recorded as such, and
// the reader of the trace then refuses it.
//
// A record is a `struct record`, then `path_bytes` and `data_bytes` bytes; all numbers have the byte order of the machine.

#include "recorder.h"

// MARK: Opening

static int open_plainly(int directory, const char *path, int flags, mode_t mode) {
  return (int)kernel(SYS_openat, directory, path, flags, mode);
}

static int open_recorded(int directory, const char *path, int flags, mode_t mode) {
  char whole[PATH_MAX];
  bool anonymous = (flags & O_TMPFILE) == O_TMPFILE;
  if ((flags & (O_CREAT | O_TRUNC)) == 0 && !anonymous) return open_plainly(directory, path, flags, mode);
  if (!is_resolved(directory, path, whole)) return open_plainly(directory, path, flags, mode);
  lock();
  bool existed = inode_of(whole) != 0;
  int descriptor = open_plainly(directory, path, flags, mode);
  if (descriptor >= 0) {
    if (anonymous) {
      record(UNKNOWN, 0, 0, 0, whole, "O_TMPFILE", 9);
    } else if (!existed || (flags & O_TRUNC)) {
      record(OPEN, existed, inode_of(whole), 0, whole, NULL, 0);
    }
  }
  unlock();
  return descriptor;
}

#define MODE(flags) \
  mode_t mode = 0; \
  if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) { \
    va_list list; \
    va_start(list, flags); \
    mode = va_arg(list, mode_t); \
    va_end(list); \
  }

int open(const char *path, int flags, ...) { MODE(flags) return open_recorded(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_recorded(AT_FDCWD, path, flags, mode); }
int openat(int directory, const char *path, int flags, ...) { MODE(flags) return open_recorded(directory, path, flags, mode); }
int openat64(int directory, const char *path, int flags, ...) { MODE(flags) return open_recorded(directory, path, flags, mode); }
int creat(const char *path, mode_t mode) { return open_recorded(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open_recorded(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
// What fortified callers use when no mode is given.
int __open_2(const char *path, int flags) { return open_recorded(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_recorded(AT_FDCWD, path, flags, 0); }
int __openat_2(int directory, const char *path, int flags) { return open_recorded(directory, path, flags, 0); }
int __openat64_2(int directory, const char *path, int flags) { return open_recorded(directory, path, flags, 0); }

// The path of a new file is known after the call only.
static int made(int descriptor) {
  struct target target;
  if (descriptor >= 0 && is_recorded(descriptor, &target)) record(OPEN, 0, target.status.st_ino, 0, target.path, NULL, 0);
  return descriptor;
}
#define MAKE_TEMPORARY(name, parameters, arguments) \
  int name parameters { \
    if (!recording()) return REAL(name) arguments; \
    lock(); \
    int descriptor = made(REAL(name) arguments); \
    unlock(); \
    return descriptor; \
  }
MAKE_TEMPORARY(mkstemp, (char *pattern), (pattern))
MAKE_TEMPORARY(mkstemp64, (char *pattern), (pattern))
MAKE_TEMPORARY(mkostemp, (char *pattern, int flags), (pattern, flags))
MAKE_TEMPORARY(mkostemp64, (char *pattern, int flags), (pattern, flags))
MAKE_TEMPORARY(mkstemps, (char *pattern, int suffix), (pattern, suffix))
MAKE_TEMPORARY(mkostemps, (char *pattern, int suffix, int flags), (pattern, suffix, flags))

// stdio writes inside the C library, where nothing can be put in between.
FILE *fopen(const char *path, const char *mode) {
  if (mode[0] != 'r' || strchr(mode, '+')) note_unknown(path, "fopen");
  return REAL(fopen)(path, mode);
}
FILE *fopen64(const char *path, const char *mode) {
  if (mode[0] != 'r' || strchr(mode, '+')) note_unknown(path, "fopen");
  return REAL(fopen64)(path, mode);
}
FILE *fdopen(int descriptor, const char *mode) {
  struct target target;
  if ((mode[0] != 'r' || strchr(mode, '+')) && is_recorded(descriptor, &target)) note_unknown(target.path, "fdopen");
  return REAL(fdopen)(descriptor, mode);
}
#define MAP(name, offset_type) \
  void *name(void *place, size_t bytes, int protection, int flags, int descriptor, offset_type offset) { \
    struct target target; \
    bool writes = (protection & PROT_WRITE) && (flags & (MAP_SHARED | MAP_SHARED_VALIDATE)); \
    if (writes && descriptor >= 0 && is_recorded(descriptor, &target)) { \
      note_unknown(target.path, "mmap"); \
    } \
    return (void *)kernel(SYS_mmap, place, bytes, protection, flags, descriptor, offset); \
  }
MAP(mmap, off_t)
MAP(mmap64, off64_t)

// MARK: Names

static int rename_recorded(int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
  char source[PATH_MAX], target[PATH_MAX];
  bool from_below = is_resolved(from_directory, from, source), to_below = is_resolved(to_directory, to, target);
  if (!from_below && !to_below) return (int)kernel(SYS_renameat2, from_directory, from, to_directory, to, flags);
  lock();
  int result = (int)kernel(SYS_renameat2, from_directory, from, to_directory, to, flags);
  if (result == 0) {
    // Two files that change places, and files that come or go over the border, are not followed.
    if (!from_below || !to_below || (flags & ~(unsigned)RENAME_NOREPLACE)) {
      record(UNKNOWN, 0, 0, 0, to_below ? target : source, "rename", 6);
    } else {
      record(RENAME, 0, inode_of(target), 0, source, target, strlen(target));
    }
  }
  unlock();
  return result;
}
int rename(const char *from, const char *to) { return rename_recorded(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_directory, const char *from, int to_directory, const char *to) {
  return rename_recorded(from_directory, from, to_directory, to, 0);
}
int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
  return rename_recorded(from_directory, from, to_directory, to, flags);
}

static int unlink_recorded(int directory, const char *path, int flags) {
  char whole[PATH_MAX];
  if (!is_resolved(directory, path, whole)) return (int)kernel(SYS_unlinkat, directory, path, flags);
  lock();
  uint64_t inode = inode_of(whole);
  int result = (int)kernel(SYS_unlinkat, directory, path, flags);
  if (result == 0) record(UNLINK, (flags & AT_REMOVEDIR) != 0, inode, 0, whole, NULL, 0);
  unlock();
  return result;
}
int unlink(const char *path) { return unlink_recorded(AT_FDCWD, path, 0); }
int unlinkat(int directory, const char *path, int flags) { return unlink_recorded(directory, path, flags); }
int rmdir(const char *path) { return unlink_recorded(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
  int result = unlink_recorded(AT_FDCWD, path, 0);
  return result < 0 && (errno == EISDIR || errno == EPERM) ? unlink_recorded(AT_FDCWD, path, AT_REMOVEDIR) : result;
}

static int mkdir_recorded(int directory, const char *path, mode_t mode) {
  char whole[PATH_MAX];
  if (!is_resolved(directory, path, whole)) return (int)kernel(SYS_mkdirat, directory, path, mode);
  lock();
  int result = (int)kernel(SYS_mkdirat, directory, path, mode);
  if (result == 0) record(MKDIR, 0, inode_of(whole), 0, whole, NULL, 0);
  unlock();
  return result;
}
int mkdir(const char *path, mode_t mode) { return mkdir_recorded(AT_FDCWD, path, mode); }
int mkdirat(int directory, const char *path, mode_t mode) { return mkdir_recorded(directory, path, mode); }
char *mkdtemp(char *pattern) {
  char whole[PATH_MAX];
  if (!recording()) return REAL(mkdtemp)(pattern);
  lock();
  char *result = REAL(mkdtemp)(pattern);
  if (result != NULL && is_resolved(AT_FDCWD, result, whole)) record(MKDIR, 0, inode_of(whole), 0, whole, NULL, 0);
  unlock();
  return result;
}

static int link_recorded(int from_directory, const char *from, int to_directory, const char *to, int flags) {
  char source[PATH_MAX], target[PATH_MAX];
  if (!is_resolved(to_directory, to, target)) return (int)kernel(SYS_linkat, from_directory, from, to_directory, to, flags);
  bool from_below = is_resolved(from_directory, from, source);
  lock();
  int result = (int)kernel(SYS_linkat, from_directory, from, to_directory, to, flags);
  if (result == 0) {
    if (from_below) {
      record(LINK, 0, inode_of(target), 0, source, target, strlen(target));
    } else {
      record(UNKNOWN, 0, 0, 0, target, "link", 4);
    }
  }
  unlock();
  return result;
}
int link(const char *from, const char *to) { return link_recorded(AT_FDCWD, from, AT_FDCWD, to, 0); }
int linkat(int from_directory, const char *from, int to_directory, const char *to, int flags) {
  return link_recorded(from_directory, from, to_directory, to, flags);
}
int symlink(const char *content, const char *path) {
  note_unknown(path, "symlink");
  return REAL(symlink)(content, path);
}
int symlinkat(const char *content, int directory, const char *path) {
  char whole[PATH_MAX];
  if (is_resolved(directory, path, whole)) note_unknown(whole, "symlink");
  return REAL(symlinkat)(content, directory, path);
}

// MARK: Calls by number

// Foundation and Dispatch make some calls by their number.
long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long);
  long d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
  va_end(list);
  switch (number) {
    case SYS_openat: return open_recorded((int)a, (const char *)b, (int)c, (mode_t)d);
    case SYS_write: return write((int)a, (const void *)b, (size_t)c);
    case SYS_pwrite64: return pwrite((int)a, (const void *)b, (size_t)c, d);
    case SYS_ftruncate: return ftruncate((int)a, b);
    case SYS_fsync: return fsync((int)a);
    case SYS_fdatasync: return fdatasync((int)a);
    case SYS_renameat2: return rename_recorded((int)a, (const char *)b, (int)c, (const char *)d, (unsigned)e);
    case SYS_unlinkat: return unlink_recorded((int)a, (const char *)b, (int)c);
    case SYS_mkdirat: return mkdir_recorded((int)a, (const char *)b, (mode_t)c);
    case SYS_linkat: return link_recorded((int)a, (const char *)b, (int)c, (const char *)d, (int)e);
    case SYS_copy_file_range: return copy_file_range((int)a, (off64_t *)b, (int)c, (off64_t *)d, (size_t)e, (unsigned)f);
    default: return kernel(number, a, b, c, d, e, f);
  }
}
