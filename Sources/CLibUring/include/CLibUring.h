#ifndef CLIBURING_H
#define CLIBURING_H
#include <liburing.h>
#endif
