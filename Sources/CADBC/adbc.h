// The part of ADBC's C interface (version 1.1.0, arrow.apache.org/adbc) that a client of one driver needs: layouts of its
// structures and types of its functions. A driver is a library that is opened while the program runs, so nothing is
// linked.
#pragma once
#include <stdint.h>

struct adbc_error {
  char *message;
  int32_t vendor_code;
  char sqlstate[5];
  void (*release)(struct adbc_error *);
  void *private_data;
  void *private_driver;
};

// AdbcDatabase, AdbcConnection and AdbcStatement have one layout.
struct adbc_handle {
  void *private_data;
  void *private_driver;
};

typedef uint8_t (*adbc_new)(struct adbc_handle *, struct adbc_error *);
typedef uint8_t (*adbc_set_option)(struct adbc_handle *, const char *, const char *, struct adbc_error *);
typedef uint8_t (*adbc_init)(struct adbc_handle *, struct adbc_error *);
// AdbcConnectionInit takes the connection and its database, AdbcStatementNew the connection and its statement.
typedef uint8_t (*adbc_child)(struct adbc_handle *, struct adbc_handle *, struct adbc_error *);
typedef uint8_t (*adbc_release)(struct adbc_handle *, struct adbc_error *);
typedef uint8_t (*adbc_set_query)(struct adbc_handle *, const char *, struct adbc_error *);
// The third is room for an ArrowArrayStream, or NULL.
typedef uint8_t (*adbc_execute)(struct adbc_handle *, void *, int64_t *, struct adbc_error *);
