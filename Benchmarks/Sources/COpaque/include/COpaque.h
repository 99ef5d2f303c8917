// What the optimizer cannot see through, so that it removes nothing of what is measured.
#ifndef COPAQUE_H
#define COPAQUE_H

// The pointer is used, and all memory may have been read and written. No instruction.
static inline void opaque_use(const void *_Nonnull pointer) { __asm__ volatile("" : : "r"(pointer) : "memory"); }

// The same value, but the compiler does not know that. No instruction.
static inline long opaque_value(long value) {
    __asm__ volatile("" : "+r"(value));
    return value;
}

#endif
