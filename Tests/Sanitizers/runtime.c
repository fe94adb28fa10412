// For runs under ThreadSanitizer, by LD_PRELOAD: it sees the atomic operations of Swift's `Mutex` where they are inlined into our code, but not the
// slow path of a lock that is held, which stands in libswiftSynchronization and is not instrumented. Without this every lock that was waited for
// looks as if it ordered nothing. The first functions below are that slow path: they call the library's own, and say what it orders.
//
// Nor does it see the counts of references, which libswiftCore keeps: whoever finds an array or a dictionary to be its alone and changes it in place
// comes after all who have let go of it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

// Weak: programs without the sanitizer are started with the same environment.
extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *

typedef SWIFT void LockSlow(uint32_t thread, SELF);
typedef SWIFT void UnlockSlow(SELF);
typedef SWIFT bool TryLockSlow(SELF);

static void *original(const char *name) { return dlsym(RTLD_NEXT, name); }

// Synchronization._MutexHandle._lockSlow(UInt32)
SWIFT void $s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF(uint32_t thread, SELF mutex) {
  static LockSlow *function;
  if (!function) function = (LockSlow *)original("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
  function(thread, mutex);
  if (__tsan_acquire) __tsan_acquire(mutex);
}

// Synchronization._MutexHandle._unlockSlow()
SWIFT void $s15Synchronization12_MutexHandleV11_unlockSlowyyF(SELF mutex) {
  static UnlockSlow *function;
  if (!function) function = (UnlockSlow *)original("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
  if (__tsan_release) __tsan_release(mutex);
  function(mutex);
}

// Synchronization._MutexHandle._tryLockSlow() -> Bool
SWIFT bool $s15Synchronization12_MutexHandleV12_tryLockSlowSbyF(SELF mutex) {
  static TryLockSlow *function;
  if (!function) function = (TryLockSlow *)original("$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF");
  bool taken = function(mutex);
  if (taken && __tsan_acquire) __tsan_acquire(mutex);
  return taken;
}

typedef void Release(void *object);
typedef void ReleaseSeveral(void *object, uint32_t count);
typedef bool IsUnique(const void *object);

static void let_go(void *object) {
  if (object && __tsan_release) __tsan_release(object);
}

// The runtime may keep more registers than C does (`preserve_most`): to keep them all fits both.
__attribute__((preserve_most)) void swift_release(void *object) {
  static Release *function;
  if (!function) function = (Release *)original("swift_release");
  let_go(object);
  function(object);
}

__attribute__((preserve_most)) void swift_release_n(void *object, uint32_t count) {
  static ReleaseSeveral *function;
  if (!function) function = (ReleaseSeveral *)original("swift_release_n");
  let_go(object);
  function(object, count);
}

static bool alone(bool unique, const void *object) {
  if (unique && object && __tsan_acquire) __tsan_acquire((void *)object);
  return unique;
}

bool swift_isUniquelyReferenced_nonNull_native(const void *object) {
  static IsUnique *function;
  if (!function) function = (IsUnique *)original("swift_isUniquelyReferenced_nonNull_native");
  return alone(function(object), object);
}

bool swift_isUniquelyReferenced_native(const void *object) {
  static IsUnique *function;
  if (!function) function = (IsUnique *)original("swift_isUniquelyReferenced_native");
  return alone(function(object), object);
}
