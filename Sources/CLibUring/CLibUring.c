#include "CLibUring.h"
