// mlock2 is declared for _GNU_SOURCE only; capget has no declaration in the C library at all.
#define _GNU_SOURCE
#include <linux/capability.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CZeroPool.h"

int zeropool_lock(void *base, uint64_t byte_count) { return mlock2(base, byte_count, MLOCK_ONFAULT); }

static int may_lock_all(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) != 0) return 0;
    return data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective >> (CAP_IPC_LOCK & 31) & 1;
}

int64_t zeropool_lock_limit(void) {
    struct rlimit limit;
    if (may_lock_all() || getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur > INT64_MAX) return -1;
    return (int64_t)limit.rlim_cur;
}
