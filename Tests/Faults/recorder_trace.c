// The trace file, its lock, and what a call is about.

#include "recorder.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int trace = -1;
static char folder[PATH_MAX];
static size_t folder_length;

void *real(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) {
    dprintf(2, "recorder: there is no %s behind it\n", name);
    _exit(127);
  }
  return found;
}

static void start(void) {
  const char *file = getenv("TEMPER_RECORDER_TRACE"), *name = getenv("TEMPER_RECORDER_FOLDER");
  if (file == NULL || name == NULL || strlen(name) >= sizeof folder) return;
  int descriptor = (int)kernel(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor < 0) return;
  // A number out of the way of those that count descriptors; where the limit is lower, the number stays.
  trace = fcntl(descriptor, F_DUPFD_CLOEXEC, 800);
  if (trace < 0) trace = descriptor; else kernel(SYS_close, descriptor);
  strcpy(folder, name);
  folder_length = strlen(folder);
}

bool recording(void) {
  pthread_once(&once, start);
  return trace >= 0;
}

void lock(void) {
  pthread_mutex_lock(&mutex);
  while (flock(trace, LOCK_EX) < 0 && errno == EINTR) {}
}

void unlock(void) {
  int before = errno;
  flock(trace, LOCK_UN);
  pthread_mutex_unlock(&mutex);
  errno = before;
}

static void put(const void *bytes, size_t count) {
  const char *rest = bytes;
  while (count > 0) {
    long written = kernel(SYS_write, trace, rest, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      dprintf(2, "recorder: the trace cannot be written\n");
      _exit(127);
    }
    rest += written;
    count -= (size_t)written;
  }
}

void record(enum kind kind, int flag, uint64_t inode, uint64_t offset, const char *path, const void *data, size_t bytes) {
  int before = errno;
  struct record head = {
    .path_bytes = (uint32_t)strlen(path), .data_bytes = (uint32_t)bytes, .kind = (uint8_t)kind, .flag = (uint8_t)flag,
    .thread = (uint32_t)kernel(SYS_gettid), .inode = inode, .offset = offset,
  };
  put(&head, sizeof head);
  put(path, head.path_bytes);
  if (bytes > 0) put(data, bytes);
  errno = before;
}

// MARK: What a call is about

static bool below(const char *path) {
  return strncmp(path, folder, folder_length) == 0 && (path[folder_length] == '/' || path[folder_length] == 0);
}

// The path behind a descriptor. False when it is no file or folder below the folder.
static bool path_of(int descriptor, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  long length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return false;
  path[length] = 0;
  return below(path);
}

// `path` below `directory` as an absolute path without `.`, `..` and double slashes. False when it does not lie below the folder.
static bool resolve(int directory, const char *path, char *result) {
  char whole[2 * PATH_MAX];
  if (path == NULL || strlen(path) >= PATH_MAX) return false;
  if (path[0] == '/') {
    strcpy(whole, path);
  } else {
    char base[PATH_MAX], link[64] = "/proc/self/cwd";
    if (directory != AT_FDCWD) snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    long length = readlink(link, base, sizeof base - 1);
    if (length < 0) return false;
    base[length] = 0;
    snprintf(whole, sizeof whole, "%s/%s", base, path);
  }
  size_t end = 0;
  char *state = NULL;
  for (char *part = strtok_r(whole, "/", &state); part != NULL; part = strtok_r(NULL, "/", &state)) {
    if (strcmp(part, ".") == 0) continue;
    if (strcmp(part, "..") == 0) {
      while (end > 0 && result[--end] != '/') {}
    } else {
      size_t length = strlen(part);
      if (end + length + 2 > PATH_MAX) return false;
      result[end++] = '/';
      memcpy(result + end, part, length);
      end += length;
    }
  }
  result[end] = 0;
  return below(result);
}

uint64_t inode_of(const char *path) {
  struct stat status;
  return lstat(path, &status) == 0 ? status.st_ino : 0;
}

bool is_recorded(int descriptor, struct target *target) {
  int before = errno;
  bool result = recording() && fstat(descriptor, &target->status) == 0
    && (S_ISREG(target->status.st_mode) || S_ISDIR(target->status.st_mode)) && path_of(descriptor, target->path);
  errno = before;
  return result;
}

bool is_resolved(int directory, const char *path, char *result) {
  int before = errno;
  bool found = recording() && resolve(directory, path, result);
  errno = before;
  return found;
}

void note_unknown(const char *path, const char *call) {
  char whole[PATH_MAX];
  if (!is_resolved(AT_FDCWD, path, whole)) return;
  lock();
  record(UNKNOWN, 0, 0, 0, whole, call, strlen(call));
  unlock();
}
