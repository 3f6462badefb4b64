/*
 * Node-API of whatever program has loaded us. On Windows an addon would have to name the program's file (node.exe,
 * electron.exe, ours) to link against it; there the functions are looked up in the running program instead.
 */
#ifndef GATEHOUSE_HOST_H
#define GATEHOUSE_HOST_H

#define NAPI_VERSION 8
#include <node_api.h>
#include <stdbool.h>

#define HOST_FUNCTIONS(F)                                                                                              \
  F(napi_create_function)                                                                                              \
  F(napi_create_int32)                                                                                                 \
  F(napi_create_string_utf8)                                                                                           \
  F(napi_create_object)                                                                                                \
  F(napi_get_cb_info)                                                                                                  \
  F(napi_get_typedarray_info)                                                                                          \
  F(napi_get_value_double)                                                                                             \
  F(napi_set_named_property)                                                                                           \
  F(napi_throw_range_error)                                                                                            \
  F(napi_throw_type_error)

#ifdef _WIN32
#define DECLARE(name) extern __typeof__(&name) host_##name;
HOST_FUNCTIONS(DECLARE)
#undef DECLARE
#define HOST(name) host_##name
#else
#define HOST(name) name
#endif

/* False if the program does not have what we need. */
bool find_host(void);

#endif
