#include "CZeroPool.h"

#if __has_include(<execinfo.h>)
#include <execinfo.h>
#include <unistd.h>

int zeropool_call_stack(uintptr_t *frames, int limit) { return backtrace((void **)frames, limit); }

void zeropool_print_call_stack(const uintptr_t *frames, int count) {
    backtrace_symbols_fd((void *const *)frames, count, STDERR_FILENO);
}
#else  // musl
int zeropool_call_stack(uintptr_t *frames, int limit) { return 0; }
void zeropool_print_call_stack(const uintptr_t *frames, int count) {}
#endif
