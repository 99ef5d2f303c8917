#ifndef CLIBURING_H
#define CLIBURING_H

// liburing.h asks glibc for more than Swift's own import of it does, and the two would then disagree about what an
// fd_set's field is called. So this one comes first, as Swift sees it, and glibc reads its feature macros again after it.
#include <sys/select.h>
#undef _FEATURES_H
#include <liburing.h>
// Not in Swift's own import of glibc.
#include <sys/eventfd.h>
#include <stdint.h>
#include <unistd.h>

// What Swift's importer cannot see through, and what the kernel has but an older liburing does not name.
// The values are kernel ABI. Names of our own, so that a newer liburing's cannot clash; whether the running kernel
// takes one of them is probed at run time, never inferred from a version.

enum {
    // sqe->flags: liburing writes these as shifts of enumerators, which are not imported.
    ZP_SQE_FIXED_FILE = 1U << IOSQE_FIXED_FILE_BIT,
    ZP_SQE_BUFFER_SELECT = 1U << IOSQE_BUFFER_SELECT_BIT,

    // sqe->ioprio of a zero-copy send (6.2): the notification says whether the bytes were copied after all.
    ZP_SEND_ZC_REPORT_USAGE = 1U << 3,

    // sqe->cmd_op of a command to a socket (6.7): getsockopt(2).
    ZP_SOCKET_COMMAND_GET_OPTION = 2,
};

// cqe->res of a zero-copy send's notification: the kernel copied (at least some of) the bytes.
#define ZP_NOTIFICATION_COPIED 0x80000000u

// sqe->file_index: the kernel picks a free slot of the direct descriptor table.
#define ZP_FILE_INDEX_ALLOCATE 0xFFFFFFFFu

// The pages of a file that are in the page cache, or a negative number: cachestat(2), since Linux 6.5, which has no wrapper.
static inline int64_t zp_cached_page_count(int file, uint64_t offset, uint64_t count) {
    struct { uint64_t offset, count; } range = {offset, count};
    struct { uint64_t cached, dirty, writeback, evicted, recently_evicted; } result;
    return syscall(451, file, &range, &result, 0u) == 0 ? (int64_t)result.cached : -1;
}

static inline int64_t zp_page_size(void) { return sysconf(_SC_PAGESIZE); }

// The completion at `index` (free-running, masked here) of the completion queue, whatever the entries' size.
static inline const struct io_uring_cqe *zp_completion_at(const struct io_uring *ring, unsigned index) {
    return &ring->cq.cqes[io_uring_cqe_index(ring, index, ring->cq.ring_mask)];
}

#endif
