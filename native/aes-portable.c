/*
 * AES in plain C: one table that joins the S-box with the multiplication of MixColumns (FIPS 197 §5.1), turned for each
 * row. Looking up a table by key and data takes a time that depends on the cache: not constant-time.
 */
#include "backend.h"

#define BACKEND portable_backend
#define BACKEND_NAME "portable"
#define TARGET

/* The S-box of FIPS 197, each value handed to F. */
#define S_BOX(F) \
  F(0x63) F(0x7c) F(0x77) F(0x7b) F(0xf2) F(0x6b) F(0x6f) F(0xc5) \
  F(0x30) F(0x01) F(0x67) F(0x2b) F(0xfe) F(0xd7) F(0xab) F(0x76) \
  F(0xca) F(0x82) F(0xc9) F(0x7d) F(0xfa) F(0x59) F(0x47) F(0xf0) \
  F(0xad) F(0xd4) F(0xa2) F(0xaf) F(0x9c) F(0xa4) F(0x72) F(0xc0) \
  F(0xb7) F(0xfd) F(0x93) F(0x26) F(0x36) F(0x3f) F(0xf7) F(0xcc) \
  F(0x34) F(0xa5) F(0xe5) F(0xf1) F(0x71) F(0xd8) F(0x31) F(0x15) \
  F(0x04) F(0xc7) F(0x23) F(0xc3) F(0x18) F(0x96) F(0x05) F(0x9a) \
  F(0x07) F(0x12) F(0x80) F(0xe2) F(0xeb) F(0x27) F(0xb2) F(0x75) \
  F(0x09) F(0x83) F(0x2c) F(0x1a) F(0x1b) F(0x6e) F(0x5a) F(0xa0) \
  F(0x52) F(0x3b) F(0xd6) F(0xb3) F(0x29) F(0xe3) F(0x2f) F(0x84) \
  F(0x53) F(0xd1) F(0x00) F(0xed) F(0x20) F(0xfc) F(0xb1) F(0x5b) \
  F(0x6a) F(0xcb) F(0xbe) F(0x39) F(0x4a) F(0x4c) F(0x58) F(0xcf) \
  F(0xd0) F(0xef) F(0xaa) F(0xfb) F(0x43) F(0x4d) F(0x33) F(0x85) \
  F(0x45) F(0xf9) F(0x02) F(0x7f) F(0x50) F(0x3c) F(0x9f) F(0xa8) \
  F(0x51) F(0xa3) F(0x40) F(0x8f) F(0x92) F(0x9d) F(0x38) F(0xf5) \
  F(0xbc) F(0xb6) F(0xda) F(0x21) F(0x10) F(0xff) F(0xf3) F(0xd2) \
  F(0xcd) F(0x0c) F(0x13) F(0xec) F(0x5f) F(0x97) F(0x44) F(0x17) \
  F(0xc4) F(0xa7) F(0x7e) F(0x3d) F(0x64) F(0x5d) F(0x19) F(0x73) \
  F(0x60) F(0x81) F(0x4f) F(0xdc) F(0x22) F(0x2a) F(0x90) F(0x88) \
  F(0x46) F(0xee) F(0xb8) F(0x14) F(0xde) F(0x5e) F(0x0b) F(0xdb) \
  F(0xe0) F(0x32) F(0x3a) F(0x0a) F(0x49) F(0x06) F(0x24) F(0x5c) \
  F(0xc2) F(0xd3) F(0xac) F(0x62) F(0x91) F(0x95) F(0xe4) F(0x79) \
  F(0xe7) F(0xc8) F(0x37) F(0x6d) F(0x8d) F(0xd5) F(0x4e) F(0xa9) \
  F(0x6c) F(0x56) F(0xf4) F(0xea) F(0x65) F(0x7a) F(0xae) F(0x08) \
  F(0xba) F(0x78) F(0x25) F(0x2e) F(0x1c) F(0xa6) F(0xb4) F(0xc6) \
  F(0xe8) F(0xdd) F(0x74) F(0x1f) F(0x4b) F(0xbd) F(0x8b) F(0x8a) \
  F(0x70) F(0x3e) F(0xb5) F(0x66) F(0x48) F(0x03) F(0xf6) F(0x0e) \
  F(0x61) F(0x35) F(0x57) F(0xb9) F(0x86) F(0xc1) F(0x1d) F(0x9e) \
  F(0xe1) F(0xf8) F(0x98) F(0x11) F(0x69) F(0xd9) F(0x8e) F(0x94) \
  F(0x9b) F(0x1e) F(0x87) F(0xe9) F(0xce) F(0x55) F(0x28) F(0xdf) \
  F(0x8c) F(0xa1) F(0x89) F(0x0d) F(0xbf) F(0xe6) F(0x42) F(0x68) \
  F(0x41) F(0x99) F(0x2d) F(0x0f) F(0xb0) F(0x54) F(0xbb) F(0x16)

#define TIMES_2(s) ((((s) << 1) ^ ((s) & 0x80 ? 0x1b : 0)) & 0xff)
#define COLUMN(s) ((uint32_t)TIMES_2(s) | (uint32_t)(s) << 8 | (uint32_t)(s) << 16 | (uint32_t)(TIMES_2(s) ^ (s)) << 24),
#define PLAIN(s) s,

static const uint32_t columns[256] = {S_BOX(COLUMN)};
static const uint8_t s_box[256] = {S_BOX(PLAIN)};

typedef struct {
  uint32_t w[4];
} block;

static inline uint32_t word_at(const uint8_t *bytes) {
  uint32_t word;
  __builtin_memcpy(&word, bytes, sizeof word);
  return word;
}
static inline block load(const uint8_t *bytes) {
  return (block){{word_at(bytes), word_at(bytes + 4), word_at(bytes + 8), word_at(bytes + 12)}};
}
static inline void store(uint8_t *bytes, block value) { __builtin_memcpy(bytes, value.w, sizeof value.w); }
static inline block add(block left, block right) {
  for (int i = 0; i < 4; i++) left.w[i] ^= right.w[i];
  return left;
}
static inline block of_words(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3) { return (block){{w0, w1, w2, w3}}; }
static inline uint32_t first_word(block value) { return value.w[0]; }

static inline uint32_t byte_of(uint32_t word, int row) { return word >> (8 * row) & 0xff; }
static inline uint32_t turned(uint32_t word, int rows) { return word << (8 * rows) | word >> (32 - 8 * rows); }
static inline uint32_t sub_word(uint32_t word) {
  return (uint32_t)s_box[byte_of(word, 0)] | (uint32_t)s_box[byte_of(word, 1)] << 8 |
         (uint32_t)s_box[byte_of(word, 2)] << 16 | (uint32_t)s_box[byte_of(word, 3)] << 24;
}

/* ShiftRows: the byte of each row comes from the next column but as many. */
static inline uint32_t shifted(const uint32_t w[4], int column) {
  return (w[column] & 0xff) | (w[(column + 1) & 3] & 0xff00) | (w[(column + 2) & 3] & 0xff0000) |
         (w[(column + 3) & 3] & 0xff000000);
}

static inline block encrypt(const struct key *key, block state) {
  state = add(state, load(key->round[0]));
  for (int round = 1; round < ROUNDS; round++) {
    block next = load(key->round[round]);
    for (int column = 0; column < 4; column++) {
      uint32_t s = shifted(state.w, column);
      next.w[column] ^= columns[byte_of(s, 0)] ^ turned(columns[byte_of(s, 1)], 1) ^
                        turned(columns[byte_of(s, 2)], 2) ^ turned(columns[byte_of(s, 3)], 3);
    }
    state = next;
  }
  block last = load(key->round[ROUNDS]);
  for (int column = 0; column < 4; column++) last.w[column] ^= sub_word(shifted(state.w, column));
  return last;
}

/* Nothing to interleave: the registers do not hold more than one state. */
#define LANES 1

static inline void encrypt_lanes(const struct key *const keys[LANES], block states[LANES]) {
  states[0] = encrypt(keys[0], states[0]);
}

#include "operations.inc.h"
