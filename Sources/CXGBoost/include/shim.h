#include <xgboost/c_api.h>

#include "forest.h"
