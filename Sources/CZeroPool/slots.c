#include "CZeroPool.h"
