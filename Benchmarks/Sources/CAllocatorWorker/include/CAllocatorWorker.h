// GNU extensions that Swift's Glibc module does not show.
#ifndef CALLOCATORWORKER_H
#define CALLOCATORWORKER_H

// Lets the calling thread run on that processor alone; 0, or -1 with errno.
int pin_current_thread(int processor);

// Whether the calling thread may run on that processor.
int may_run_on(int processor);

// The file that the process takes the symbol from; NULL when it has none. Valid as long as the library is loaded.
const char *_Nullable file_of_symbol(const char *_Nonnull name);

const char *_Nonnull libc_version(void);

#endif
