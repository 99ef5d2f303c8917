#include "CZeroPool.h"

#ifdef __GLIBC__
#include <malloc.h>

void zeropool_trim_allocator(void) { malloc_trim(0); }
#else
void zeropool_trim_allocator(void) {}
#endif
