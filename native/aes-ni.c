/* AES by the instructions of x86 processors. Its time does not depend on keys or data. */
#include "backend.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>

#define BACKEND aes_ni_backend
#define BACKEND_NAME "AES-NI"
#define TARGET __attribute__((target("aes,sse4.1")))

typedef __m128i block;

TARGET static inline block load(const uint8_t *bytes) { return _mm_loadu_si128((const __m128i *)bytes); }
TARGET static inline void store(uint8_t *bytes, block value) { _mm_storeu_si128((__m128i *)bytes, value); }
TARGET static inline block add(block left, block right) { return _mm_xor_si128(left, right); }
TARGET static inline block of_words(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3) {
  return _mm_set_epi32((int)w3, (int)w2, (int)w1, (int)w0);
}
TARGET static inline uint32_t first_word(block value) { return (uint32_t)_mm_cvtsi128_si32(value); }
TARGET static inline uint32_t sub_word(uint32_t word) {
  return first_word(_mm_aeskeygenassist_si128(_mm_set1_epi32((int)word), 0));
}

TARGET static inline block encrypt(const struct key *key, block state) {
  state = add(state, load(key->round[0]));
  for (int round = 1; round < ROUNDS; round++) state = _mm_aesenc_si128(state, load(key->round[round]));
  return _mm_aesenclast_si128(state, load(key->round[ROUNDS]));
}

/* Enough to keep the unit busy for as long as one round takes, few enough for the registers. */
#define LANES 8

TARGET static inline void encrypt_lanes(const struct key *const keys[LANES], block states[LANES]) {
  for (int lane = 0; lane < LANES; lane++) states[lane] = add(states[lane], load(keys[lane]->round[0]));
  for (int round = 1; round < ROUNDS; round++) {
    for (int lane = 0; lane < LANES; lane++) {
      states[lane] = _mm_aesenc_si128(states[lane], load(keys[lane]->round[round]));
    }
  }
  for (int lane = 0; lane < LANES; lane++) {
    states[lane] = _mm_aesenclast_si128(states[lane], load(keys[lane]->round[ROUNDS]));
  }
}

extern const struct backend BACKEND;
#include "operations.inc.h"
#endif
