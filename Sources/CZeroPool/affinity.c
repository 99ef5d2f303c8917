// glibc declares the affinity calls for _GNU_SOURCE only, which Swift's import of it does not define.
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>

#include "CZeroPool.h"

int zeropool_allowed_processors(unsigned char *flags, int count) {
    // Room for 8,192 processors: the call fails when the kernel's mask is longer than ours.
    unsigned long mask[8192 / (8 * sizeof(unsigned long))];
    memset(mask, 0, sizeof mask);
    if (sched_getaffinity(0, sizeof mask, (cpu_set_t *)mask) != 0) return -1;
    int allowed = 0;
    for (int i = 0; i < 8192; i++) {
        int is_set = mask[i / (8 * sizeof(unsigned long))] >> (i % (8 * sizeof(unsigned long))) & 1;
        if (i < count) flags[i] = (unsigned char)is_set;
        allowed += is_set;
    }
    return allowed;
}

int zeropool_pin_thread(int processor) {
    unsigned long mask[8192 / (8 * sizeof(unsigned long))];
    if (processor < 0 || processor >= 8192) return -1;
    memset(mask, 0, sizeof mask);
    mask[processor / (8 * sizeof(unsigned long))] = 1UL << (processor % (8 * sizeof(unsigned long)));
    return sched_setaffinity(0, sizeof mask, (cpu_set_t *)mask);
}
