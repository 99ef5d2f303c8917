#include "CZeroPool.h"

// In .bss: pages that nobody touches cost nothing. Never written: a magazine here has no buffer and no room.
const unsigned char zeropool_empty_cache[ZEROPOOL_CACHE_BYTE_LIMIT] __attribute__((aligned(128)));

#define EMPTY (void *)zeropool_empty_cache
#define EIGHT EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY
_Thread_local void *zeropool_slots[ZEROPOOL_SLOT_COUNT] = {EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT};
_Thread_local struct zeropool_thread zeropool_thread;

int64_t zeropool_slot_offset(uint64_t slot) {
    return (char *)&zeropool_slots[slot] - (char *)__builtin_thread_pointer();
}
