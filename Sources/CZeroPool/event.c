#include <sys/eventfd.h>

#include "CZeroPool.h"

int zeropool_event_counter(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
