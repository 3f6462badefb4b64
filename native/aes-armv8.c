/* AES by the cryptography extension of ARMv8. Its time does not depend on keys or data. */
#include "backend.h"

#if defined(__aarch64__) && (defined(__APPLE__) || defined(__linux__))
#include <arm_neon.h>

#define BACKEND armv8_backend
#define BACKEND_NAME "ARMv8 AES"
#ifdef __clang__
#define TARGET __attribute__((target("aes")))
#else
#define TARGET __attribute__((target("+crypto")))
#endif

typedef uint8x16_t block;

TARGET static inline block load(const uint8_t *bytes) { return vld1q_u8(bytes); }
TARGET static inline void store(uint8_t *bytes, block value) { vst1q_u8(bytes, value); }
TARGET static inline block add(block left, block right) { return veorq_u8(left, right); }
TARGET static inline block of_words(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3) {
  uint32_t words[4] = {w0, w1, w2, w3};
  return vreinterpretq_u8_u32(vld1q_u32(words));
}
TARGET static inline uint32_t first_word(block value) { return vgetq_lane_u32(vreinterpretq_u32_u8(value), 0); }
/* With the same word in each column, shifting rows changes nothing. */
TARGET static inline uint32_t sub_word(uint32_t word) {
  return first_word(vaeseq_u8(vreinterpretq_u8_u32(vdupq_n_u32(word)), vdupq_n_u8(0)));
}

TARGET static inline block encrypt(const struct key *key, block state) {
  for (int round = 0; round < ROUNDS - 1; round++) state = vaesmcq_u8(vaeseq_u8(state, load(key->round[round])));
  return add(vaeseq_u8(state, load(key->round[ROUNDS - 1])), load(key->round[ROUNDS]));
}

#define LANES 8

TARGET static inline void encrypt_lanes(const struct key *const keys[LANES], block states[LANES]) {
  for (int round = 0; round < ROUNDS - 1; round++) {
    for (int lane = 0; lane < LANES; lane++) {
      states[lane] = vaesmcq_u8(vaeseq_u8(states[lane], load(keys[lane]->round[round])));
    }
  }
  for (int lane = 0; lane < LANES; lane++) {
    block last = vaeseq_u8(states[lane], load(keys[lane]->round[ROUNDS - 1]));
    states[lane] = add(last, load(keys[lane]->round[ROUNDS]));
  }
}

extern const struct backend BACKEND;
#include "operations.inc.h"
#endif
