/*
 * What every AES of this addon can do. A backend is one such set of functions; which one runs is decided once, by
 * what the processor offers (choose.c). No function here checks its arguments: addon.c has done so.
 */
#ifndef GATEHOUSE_BACKEND_H
#define GATEHOUSE_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Key schedules are exchanged as little-endian words; this processor stores them the other way round."
#endif

enum {
  BLOCK_BYTES = 16,
  ROUNDS = 10,
  /* Words of a key row: the schedule, then the two subkeys of CMAC (RFC 4493 §2.3). */
  SCHEDULE_WORDS = 4 * (ROUNDS + 1),
  KEY_WORDS = SCHEDULE_WORDS + 8,
  MIC_BYTES = 4,
  /* What B0 takes the address from: MHDR and DevAddr. */
  MIN_MESSAGE_BYTES = 5,
  /* MHDR, DevAddr, FCtrl, FCnt and MIC. */
  MIN_DATA_FRAME_BYTES = 12
};

/* A row of the packed table of keys that JavaScript owns: an expanded AES-128 key. */
struct key {
  uint8_t round[ROUNDS + 1][BLOCK_BYTES];
  uint8_t subkey[2][BLOCK_BYTES];
};

/* The four bytes of B0 or B1 behind 0x49, the direction, and the counter (TS001-1.0.4 §4.4, LoRaWAN 1.1 §4.4). */
struct mic_context {
  uint32_t lead;
  uint32_t direction;
  uint32_t counter;
};

/* The parts of the A blocks that stay the same over a payload (TS001-1.0.4 §4.3.3, LoRaWAN 1.1 §4.3.1.6). */
struct payload_context {
  uint32_t constant;
  uint32_t direction;
  uint32_t dev_addr;
  uint32_t counter;
};

/* A session that may have sent a frame. `row` has bit 31 set where only half of the MIC is of this key (1.1). */
struct candidate {
  uint32_t row;
  uint32_t counter;
};
#define SPLIT_MIC 0x80000000u

/* Results of open_uplink that are no FPort. */
enum { NO_PORT = -1, MALFORMED = -2, WRONG_MIC = -3, NO_ROOM = -4 };
/* Results of search that are no index. */
enum { NOT_FOUND = -1, BAD_ROW = -2 };

struct backend {
  const char *name;
  void (*expand)(const uint8_t bytes[BLOCK_BYTES], struct key *key);
  void (*cmac)(const struct key *key, const uint8_t *message, size_t length, uint8_t mac[BLOCK_BYTES]);
  /* First word of the MIC of a data message of at least 5 bytes. */
  uint32_t (*mic_word)(const struct key *key, struct mic_context context, const uint8_t *message, size_t length);
  /* Encrypts or decrypts; `out` may be `in`. */
  void (*crypt)(const struct key *key, struct payload_context context, const uint8_t *in, size_t length, uint8_t *out);
  /* Index of the first candidate from `from` on whose key made the MIC of the uplink. */
  int32_t (*search)(const struct key *keys, size_t key_count, const struct candidate *candidates, size_t from,
                    size_t count, const uint8_t *frame, size_t length);
  /* Verifies a 1.0.x data uplink and decrypts it; FPort, or one of the results above. */
  int32_t (*open_uplink)(const struct key *network, const struct key *application, uint32_t counter,
                         const uint8_t *frame, size_t length, uint8_t *out, size_t room, uint32_t *payload_length);
};

extern const struct backend portable_backend;
/* The best backend of this processor. */
const struct backend *choose_backend(void);

#endif
