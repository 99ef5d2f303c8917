#define _GNU_SOURCE
#include "CAllocatorWorker.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <sched.h>

int pin_current_thread(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    return sched_setaffinity(0, sizeof set, &set);
}

int may_run_on(int processor) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_ISSET(processor, &set);
}

const char *file_of_symbol(const char *name) {
    Dl_info info;
    void *address = dlsym(RTLD_DEFAULT, name);
    return address && dladdr(address, &info) ? info.dli_fname : 0;
}

const char *libc_version(void) { return gnu_get_libc_version(); }
