// MHD_start_daemon and MHD_get_connection_info are variadic, which Swift cannot call.
#pragma once
#include <microhttpd.h>
#include <stdint.h>

/* Starts a daemon; `options` ends with {MHD_OPTION_END, 0, NULL}. NULL if it cannot be started. */
static inline struct MHD_Daemon *cmhd_start(unsigned int flags, uint16_t port, MHD_AccessHandlerCallback handler,
                                            void *context, struct MHD_OptionItem *options) {
  return MHD_start_daemon(flags, port, NULL, NULL, handler, context, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

/* The socket of a connection; -1 if it has none. */
static inline int cmhd_socket(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}

/* The other side's address; NULL if it is not known. */
static inline const struct sockaddr *cmhd_client_address(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  return info ? info->client_addr : NULL;
}

/* What the connection-notification callback kept for this connection. */
static inline void *cmhd_socket_context(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

/* Function pointers as the integer that an option item takes first. */
static inline intptr_t cmhd_completed(MHD_RequestCompletedCallback callback) { return (intptr_t)callback; }
static inline intptr_t cmhd_connection(MHD_NotifyConnectionCallback callback) { return (intptr_t)callback; }
typedef void *(*cmhd_uri_callback)(void *context, const char *uri, struct MHD_Connection *connection);
static inline intptr_t cmhd_uri(cmhd_uri_callback callback) { return (intptr_t)callback; }
typedef size_t (*cmhd_unescape_callback)(void *context, struct MHD_Connection *connection, char *text);
static inline intptr_t cmhd_unescape(cmhd_unescape_callback callback) { return (intptr_t)callback; }
