/*
 * Parse, verify and decrypt LoRaWAN 1.0 data uplinks in one loop (TS001-1.0.4 §4.3.3, §4.4): what the machine could do
 * without JavaScript. Keys are expanded once per session. AES comes from the processor where it has it.
 *
 *   frame-loop FILE MILLISECONDS    prints the kind of AES and frames per second
 *
 * Compiled with ADDON and the backends of native/, the same loop runs the addon's own code instead of the plain one here.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCK 16

struct frame {
  uint16_t session;
  uint32_t counter;
  uint8_t length;
  const uint8_t *bytes;
};

#ifdef ADDON
#include "../../native/backend.h"

struct session {
  struct key network, application;
};
static const struct backend *backend;

static const char *set_up(void) {
  backend = choose_backend();
  return backend->name;
}

static void prepare(struct session *s, const uint8_t *keys) {
  backend->expand(keys, &s->network);
  backend->expand(keys + BLOCK, &s->application);
}

static int open_frame(const struct session *sessions, const struct frame *f, uint8_t *payload) {
  const struct session *s = &sessions[f->session];
  uint32_t length;
  return backend->open_uplink(&s->network, &s->application, f->counter, f->bytes, f->length, payload, 256, &length);
}
#else
#define ROUNDS 10

static uint8_t sbox[256];

static uint8_t doubled(uint8_t value) { return (uint8_t)((value << 1) ^ (value & 0x80 ? 0x1b : 0)); }

/* The S-box from its definition: inverse in GF(2^8), then the affine map (FIPS 197 §5.1.1). */
static void make_sbox(void) {
  uint8_t p = 1, q = 1;
  do {
    p = (uint8_t)(p ^ doubled(p));
    q ^= (uint8_t)(q << 1);
    q ^= (uint8_t)(q << 2);
    q ^= (uint8_t)(q << 4);
    if (q & 0x80) q ^= 0x09;
    uint8_t x = q;
    for (int turn = 1; turn <= 4; turn++) x ^= (uint8_t)((q << turn) | (q >> (8 - turn)));
    sbox[p] = x ^ 0x63;
  } while (p != 1);
  sbox[0] = 0x63;
}

static void expand(const uint8_t key[BLOCK], uint8_t out[(ROUNDS + 1) * BLOCK]) {
  uint8_t rcon = 1;
  memcpy(out, key, BLOCK);
  for (int i = BLOCK; i < (ROUNDS + 1) * BLOCK; i += 4) {
    uint8_t word[4];
    memcpy(word, out + i - 4, 4);
    if (i % BLOCK == 0) {
      uint8_t first = word[0];
      for (int k = 0; k < 3; k++) word[k] = sbox[word[k + 1]];
      word[3] = sbox[first];
      word[0] ^= rcon;
      rcon = doubled(rcon);
    }
    for (int k = 0; k < 4; k++) out[i + k] = out[i + k - BLOCK] ^ word[k];
  }
}

#ifdef __AES__
#include <immintrin.h>
static const char aes_kind[] = "AES-NI";
static void encrypt(const uint8_t *keys, const uint8_t *in, uint8_t *out) {
  const __m128i *k = (const __m128i *)keys;
  __m128i block = _mm_xor_si128(_mm_loadu_si128((const __m128i *)in), _mm_loadu_si128(k));
  for (int round = 1; round < ROUNDS; round++) block = _mm_aesenc_si128(block, _mm_loadu_si128(k + round));
  block = _mm_aesenclast_si128(block, _mm_loadu_si128(k + ROUNDS));
  _mm_storeu_si128((__m128i *)out, block);
}
#else
static const char aes_kind[] = "portable";
static void encrypt(const uint8_t *keys, const uint8_t *in, uint8_t *out) {
  uint8_t s[BLOCK], t[BLOCK];
  for (int i = 0; i < BLOCK; i++) s[i] = in[i] ^ keys[i];
  for (int round = 1; round <= ROUNDS; round++) {
    for (int i = 0; i < BLOCK; i++) t[i] = sbox[s[(i + 4 * (i % 4)) % BLOCK]];
    for (int c = 0; c < BLOCK; c += 4) {
      uint8_t all = t[c] ^ t[c + 1] ^ t[c + 2] ^ t[c + 3];
      for (int r = 0; r < 4; r++) {
        uint8_t mixed = t[c + r] ^ all ^ doubled(t[c + r] ^ t[c + (r + 1) % 4]);
        s[c + r] = (round < ROUNDS ? mixed : t[c + r]) ^ keys[round * BLOCK + c + r];
      }
    }
  }
  memcpy(out, s, BLOCK);
}
#endif

struct session {
  uint8_t network[(ROUNDS + 1) * BLOCK], application[(ROUNDS + 1) * BLOCK], subkey[2][BLOCK];
};

static void double_block(const uint8_t in[BLOCK], uint8_t out[BLOCK]) {
  for (int i = 0; i < BLOCK; i++) out[i] = (uint8_t)((in[i] << 1) | (i < BLOCK - 1 ? in[i + 1] >> 7 : 0));
  if (in[0] & 0x80) out[BLOCK - 1] ^= 0x87;
}

static void prepare(struct session *s, const uint8_t *keys) {
  uint8_t zero[BLOCK] = {0}, start[BLOCK];
  expand(keys, s->network);
  expand(keys + BLOCK, s->application);
  encrypt(s->network, zero, start);
  double_block(start, s->subkey[0]);
  double_block(s->subkey[0], s->subkey[1]);
}

/* CMAC (RFC 4493) over B0 and the message; its first four bytes are the MIC. */
static int mic_is_right(const struct session *s, const struct frame *f) {
  uint8_t state[BLOCK] = {0x49, 0, 0, 0, 0, 0, f->bytes[1], f->bytes[2], f->bytes[3], f->bytes[4]};
  int end = f->length - 4, at = 0;
  memcpy(state + 10, &f->counter, 4);
  state[15] = (uint8_t)end;
  encrypt(s->network, state, state);
  for (; end - at > BLOCK; at += BLOCK) {
    for (int i = 0; i < BLOCK; i++) state[i] ^= f->bytes[at + i];
    encrypt(s->network, state, state);
  }
  int rest = end - at;
  const uint8_t *subkey = s->subkey[rest == BLOCK ? 0 : 1];
  for (int i = 0; i < rest; i++) state[i] ^= f->bytes[at + i];
  if (rest < BLOCK) state[rest] ^= 0x80;
  for (int i = 0; i < BLOCK; i++) state[i] ^= subkey[i];
  encrypt(s->network, state, state);
  return memcmp(state, f->bytes + end, 4) == 0;
}

static int open_frame(const struct session *sessions, const struct frame *f, uint8_t *payload) {
  if (f->length < 12) return -1;
  const struct session *s = &sessions[f->session];
  int start = 8 + (f->bytes[5] & 0x0f) + 1, length = f->length - 4 - start;
  if (length < 0 || !mic_is_right(s, f)) return -1;
  uint8_t a[BLOCK] = {1, 0, 0, 0, 0, 0, f->bytes[1], f->bytes[2], f->bytes[3], f->bytes[4]}, key[BLOCK];
  memcpy(a + 10, &f->counter, 4);
  for (int at = 0; at < length; at += BLOCK) {
    a[15] = (uint8_t)(at / BLOCK + 1);
    encrypt(s->application, a, key);
    for (int i = 0; i < BLOCK && at + i < length; i++) payload[at + i] = f->bytes[start + at + i] ^ key[i];
  }
  return length;
}

static const char *set_up(void) {
  make_sbox();
  return aes_kind;
}
#endif

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  FILE *file = fopen(arguments[1], "rb");
  if (!file) return 2;
  static uint8_t data[1 << 20];
  size_t size = fread(data, 1, sizeof data, file);
  fclose(file);
  uint32_t session_count, frame_count;
  memcpy(&session_count, data, 4);
  memcpy(&frame_count, data + 4, 4);
  const char *aes = set_up();
  struct session *sessions = calloc(session_count, sizeof *sessions);
  struct frame *frames = calloc(frame_count, sizeof *frames);
  const uint8_t *at = data + 8;
  for (uint32_t i = 0; i < session_count; i++, at += 2 * BLOCK) prepare(&sessions[i], at);
  for (uint32_t i = 0; i < frame_count; i++) {
    memcpy(&frames[i].session, at, 2);
    memcpy(&frames[i].counter, at + 2, 4);
    frames[i].length = at[6];
    frames[i].bytes = at + 7;
    at += 7 + frames[i].length;
  }
  if ((size_t)(at - data) != size) return 2;
  uint8_t payload[256];
  double start = seconds(), limit = atof(arguments[2]) / 1e3, now;
  uint64_t opened = 0;
  do {
    for (uint32_t i = 0; i < frame_count; i++) {
      if (open_frame(sessions, &frames[i], payload) < 0) return 1;
    }
    opened += frame_count;
    now = seconds();
  } while (now - start < limit);
  printf("%s %.0f\n", aes, (double)opened / (now - start));
  return 0;
}
