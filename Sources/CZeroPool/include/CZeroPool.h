// The thread-local slots that the pools' thread caches hang from.
//
// A pool owns at most one slot number; the slot holds the calling thread's cache of that pool. A thread that has
// no cache yet finds `zeropool_empty_cache`: zeroes in which every magazine is empty and accepts nothing, so that the
// fast paths need no null check.
//
// Why C: Swift has no thread-local storage that costs one instruction. Why initial-exec: local-exec breaks shared
// libraries, the default model calls a function. The variable is defined in slots.c and only declared here: a
// static one in the header would be another variable in every translation unit, and does not link from Swift.
#ifndef CZEROPOOL_H
#define CZEROPOOL_H

#include <stdint.h>

// Pools with a thread cache at a time, in one process. The last slot stays empty for ever: it serves the pools past
// that number, which go to their shards directly.
#define ZEROPOOL_SLOT_COUNT 64
#define ZEROPOOL_UNCACHED_SLOT 63

// As many bytes as the largest cache may have.
#define ZEROPOOL_CACHE_BYTE_LIMIT 0x80000

extern _Thread_local void *_Nonnull zeropool_slots[ZEROPOOL_SLOT_COUNT] __attribute__((tls_model("initial-exec")));

// What this thread knows beside its caches; zero in a new thread.
struct zeropool_thread {
    uint64_t ordinal;                 // 1, 2, 3 … in order of first use; 0 before it
    uint64_t seen_closed_pool_count;  // how many pools had been closed when the thread last looked
    uint32_t is_exiting;              // the thread's caches are gone and no new one may be made
};
extern _Thread_local struct zeropool_thread zeropool_thread __attribute__((tls_model("initial-exec")));

extern const unsigned char zeropool_empty_cache[ZEROPOOL_CACHE_BYTE_LIMIT];

// Where a slot stands, from the thread pointer: the same in every thread, since the storage is static.
int64_t zeropool_slot_offset(uint64_t slot);

// What stands there for the calling thread: one instruction on x86-64.
static inline void *_Nonnull zeropool_load(int64_t offset) {
#if defined(__x86_64__)
    return *(void *_Nonnull __attribute__((address_space(257))) *)offset;  // %fs
#else
    return *(void *_Nonnull *)((char *)__builtin_thread_pointer() + offset);
#endif
}

// As above, but loaded once more whatever the compiler knows. For the rarer paths: as long as the common ones share their
// address with nobody, the compiler keeps it within addressing modes, and spends no instruction on it.
static inline void *_Nonnull zeropool_load_anew(int64_t offset) {
#if defined(__x86_64__)
    return *(void *_Nonnull volatile __attribute__((address_space(257))) *)offset;
#else
    return *(void *_Nonnull volatile *)((char *)__builtin_thread_pointer() + offset);
#endif
}

static inline void *_Nonnull zeropool_slot(uint64_t slot) { return zeropool_slots[slot]; }
static inline void zeropool_set_slot(uint64_t slot, void *_Nonnull cache) { zeropool_slots[slot] = cache; }
static inline void zeropool_clear_slot(uint64_t slot) { zeropool_slots[slot] = (void *)zeropool_empty_cache; }
static inline int zeropool_slot_is_empty(uint64_t slot) { return zeropool_slots[slot] == (void *)zeropool_empty_cache; }
static inline struct zeropool_thread *_Nonnull zeropool_current_thread(void) { return &zeropool_thread; }

// Which processors the calling thread may run on: sets flags[i] to 1 or 0 for i < count, and returns how many there are
// in all, or -1.
int zeropool_allowed_processors(unsigned char *_Nonnull flags, int count);

// Lets the calling thread run on one processor only; 0, or -1 with errno set.
int zeropool_pin_thread(int processor);

// Locks a range into memory, each page from its first touch on; 0, or -1 with errno set.
int zeropool_lock(void *_Nonnull base, uint64_t byte_count);

// As many bytes as the process may lock (RLIMIT_MEMLOCK's soft limit), or -1 where nothing limits it.
int64_t zeropool_lock_limit(void);

// Has malloc give the system back what it keeps free, where the C library can.
void zeropool_trim_allocator(void);

// An event counter that does not block (eventfd), close-on-exec; -1 with errno set where the system has no descriptor.
int zeropool_event_counter(void);

// The task that the calling thread runs a part of, or NULL: to tell one task from another. From the Swift runtime, so that
// only programs that use tasks may call it.
__attribute__((swiftcall)) void *_Nullable swift_task_getCurrent(void);

// The innermost frames of the calling thread's stack: how many of at most `limit`. None where the C library can't tell.
int zeropool_call_stack(uintptr_t *_Nonnull frames, int limit);

// Writes frames to standard error, a line each.
void zeropool_print_call_stack(const uintptr_t *_Nonnull frames, int count);

#endif
