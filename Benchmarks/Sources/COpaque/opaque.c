#include "COpaque.h"
