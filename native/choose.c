/* Which AES the processor offers. */
#include "backend.h"

#if defined(__x86_64__) || defined(_M_X64)
extern const struct backend aes_ni_backend;

const struct backend *choose_backend(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1") ? &aes_ni_backend : &portable_backend;
}
#elif defined(__aarch64__) && (defined(__APPLE__) || defined(__linux__))
extern const struct backend armv8_backend;
#ifdef __linux__
#include <sys/auxv.h>
/* HWCAP_AES of asm/hwcap.h, which is not installed everywhere. */
#define HAS_AES (1ul << 3)
#endif

const struct backend *choose_backend(void) {
#ifdef __linux__
  if (!(getauxval(AT_HWCAP) & HAS_AES)) return &portable_backend;
#endif
  /* Every ARM processor of Apple's computers has it. */
  return &armv8_backend;
}
#else
const struct backend *choose_backend(void) { return &portable_backend; }
#endif
