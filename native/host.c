#include "host.h"

#ifdef _WIN32
#include <windows.h>

#define DEFINE(name) __typeof__(&name) host_##name;
HOST_FUNCTIONS(DEFINE)

bool find_host(void) {
  HMODULE program = GetModuleHandle(NULL);
  /* Several threads may do this at once; all of them write the same. */
#define FIND(name) host_##name = (__typeof__(host_##name))(void *)GetProcAddress(program, #name);
  HOST_FUNCTIONS(FIND)
#define IS_MISSING(name) || !host_##name
  return !(false HOST_FUNCTIONS(IS_MISSING));
}
#else
bool find_host(void) { return true; }
#endif
