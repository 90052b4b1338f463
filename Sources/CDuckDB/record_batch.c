#include "record_batch.h"
