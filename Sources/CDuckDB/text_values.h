#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Values that stand in text: identifiers, dates, instants. Each function wants the whole text and nothing around it.

// 8-4-4-4-12 hexadecimal digits in either case; writes the 36 characters in lower case (RFC 9562).
bool text_to_uuid(const char *text, size_t length, char out[36]);

// YYYY-MM-DD in the Gregorian calendar, years 0001 to 9999; gives days since 1970-01-01.
bool text_to_date(const char *text, size_t length, int32_t *days);

// YYYY-MM-DD, "T" or a space, HH:MM[:SS[.fraction]], then Z, an offset (+HH, +HH:MM, +HHMM) or nothing, which means UTC;
// gives microseconds since 1970-01-01T00:00Z. A fraction has 1 to 9 digits, those beyond the sixth are dropped. A leap
// second (:60) is the first moment of the next minute.
bool text_to_timestamp(const char *text, size_t length, int64_t *microseconds);
