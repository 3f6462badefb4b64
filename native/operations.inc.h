/*
 * The operations over one kind of AES. Included once by each backend, which has defined before:
 *
 *   BACKEND, BACKEND_NAME              the symbol it exports and what it is called
 *   TARGET                             attribute for functions that need special instructions
 *   block                              type of 16 bytes
 *   load, store, add, of_words, first_word
 *   sub_word                           the S-box on each byte of a word
 *   encrypt(key, block), LANES, encrypt_lanes(keys, blocks)
 */
#include <string.h>

/* B0 or B1: 49, lead (4), Dir, DevAddr, FCnt, 00, length. The address is where the message has it. */
TARGET static inline block prefix_block(struct mic_context context, const uint8_t *message, size_t length) {
  uint32_t address;
  memcpy(&address, message + 1, sizeof address);
  return of_words(0x49u | context.lead << 8, context.lead >> 24 | context.direction << 8 | address << 16,
                  address >> 16 | context.counter << 16, context.counter >> 16 | (uint32_t)length << 24);
}

/* The last block of a message, with the padding of RFC 4493 §2.4 where it is not full. */
TARGET static inline block last_block(const uint8_t *bytes, size_t left) {
  if (left == BLOCK_BYTES) return load(bytes);
  uint8_t padded[BLOCK_BYTES] = {0};
  for (size_t i = 0; i < left; i++) padded[i] = bytes[i];
  padded[left] = 0x80;
  return load(padded);
}

/* Where the last block of a message begins; an empty message has an empty one. */
static inline size_t last_block_at(size_t length) {
  return length == 0 ? 0 : (length - 1) / BLOCK_BYTES * BLOCK_BYTES;
}

static inline const uint8_t *subkey_for(const struct key *key, size_t left) {
  return key->subkey[left == BLOCK_BYTES ? 0 : 1];
}

TARGET static inline block chain(const struct key *key, block state, const uint8_t *message, size_t length) {
  size_t last = last_block_at(length);
  for (size_t at = 0; at < last; at += BLOCK_BYTES) state = encrypt(key, add(state, load(message + at)));
  block end = add(last_block(message + last, length - last), load(subkey_for(key, length - last)));
  return encrypt(key, add(state, end));
}

TARGET static void cmac(const struct key *key, const uint8_t *message, size_t length, uint8_t mac[BLOCK_BYTES]) {
  store(mac, chain(key, of_words(0, 0, 0, 0), message, length));
}

TARGET static inline uint32_t mic_of(const struct key *key, struct mic_context context, const uint8_t *message,
                                     size_t length) {
  block state = encrypt(key, prefix_block(context, message, length));
  return first_word(chain(key, state, message, length));
}

TARGET static uint32_t mic_word(const struct key *key, struct mic_context context, const uint8_t *message,
                                size_t length) {
  return mic_of(key, context, message, length);
}

TARGET static inline void crypt_bytes(const struct key *key, struct payload_context context, const uint8_t *in,
                                      size_t length, uint8_t *out) {
  uint32_t word1 = (context.constant & 0xff) | context.direction << 8 | context.dev_addr << 16;
  uint32_t word2 = context.dev_addr >> 16 | context.counter << 16;
  uint32_t word3 = context.counter >> 16;
  uint32_t number = 1;
  size_t at = 0;
  for (; length - at >= BLOCK_BYTES; at += BLOCK_BYTES, number++) {
    block stream = encrypt(key, of_words(0x01, word1, word2, word3 | number << 24));
    store(out + at, add(load(in + at), stream));
  }
  if (at == length) return;
  uint8_t stream[BLOCK_BYTES];
  store(stream, encrypt(key, of_words(0x01, word1, word2, word3 | number << 24)));
  for (size_t i = 0; at < length; at++, i++) out[at] = in[at] ^ stream[i];
}

TARGET static void crypt(const struct key *key, struct payload_context context, const uint8_t *in, size_t length,
                         uint8_t *out) {
  crypt_bytes(key, context, in, length, out);
}

/* Doubling in GF(2^128), RFC 4493 §2.3. */
static void doubled(const uint8_t in[BLOCK_BYTES], uint8_t out[BLOCK_BYTES]) {
  uint8_t reduction = (uint8_t)(0x87 & -(in[0] >> 7));
  for (int i = 0; i < BLOCK_BYTES; i++) {
    out[i] = (uint8_t)(in[i] << 1 | (i + 1 < BLOCK_BYTES ? in[i + 1] >> 7 : 0));
  }
  out[BLOCK_BYTES - 1] ^= reduction;
}

/* FIPS 197 §5.2 in little-endian words, then the subkeys. */
TARGET static void expand(const uint8_t bytes[BLOCK_BYTES], struct key *key) {
  uint32_t words[SCHEDULE_WORDS];
  uint32_t constant = 1;
  memcpy(words, bytes, BLOCK_BYTES);
  for (int i = 4; i < SCHEDULE_WORDS; i++) {
    uint32_t word = words[i - 1];
    if (i % 4 == 0) {
      word = sub_word(word >> 8 | word << 24) ^ constant;
      constant = (constant << 1) ^ (constant & 0x80 ? 0x11b : 0);
    }
    words[i] = words[i - 4] ^ word;
  }
  memcpy(key->round, words, sizeof words);
  uint8_t zero[BLOCK_BYTES];
  store(zero, encrypt(key, of_words(0, 0, 0, 0)));
  doubled(zero, key->subkey[0]);
  doubled(key->subkey[0], key->subkey[1]);
}

static inline uint32_t mic_at_end(const uint8_t *frame, size_t length) {
  uint32_t mic;
  memcpy(&mic, frame + length - MIC_BYTES, sizeof mic);
  return mic;
}

static inline int is_match(uint32_t row, uint32_t word, uint32_t mic) {
  return row & SPLIT_MIC ? (word & 0xffff) == mic >> 16 : word == mic;
}

/* MIC words of one message under LANES keys, their blocks interleaved so that none waits for its own last round. */
TARGET static inline void mic_lanes(const struct key *const keys[LANES], const uint32_t counters[LANES],
                                    const uint8_t *message, size_t length, uint32_t words[LANES]) {
  block states[LANES];
  size_t last = last_block_at(length);
  for (int lane = 0; lane < LANES; lane++) {
    struct mic_context context = {.counter = counters[lane]};
    states[lane] = prefix_block(context, message, length);
  }
  encrypt_lanes(keys, states);
  for (size_t at = 0; at < last; at += BLOCK_BYTES) {
    block part = load(message + at);
    for (int lane = 0; lane < LANES; lane++) states[lane] = add(states[lane], part);
    encrypt_lanes(keys, states);
  }
  block end = last_block(message + last, length - last);
  for (int lane = 0; lane < LANES; lane++) {
    states[lane] = add(states[lane], add(end, load(subkey_for(keys[lane], length - last))));
  }
  encrypt_lanes(keys, states);
  for (int lane = 0; lane < LANES; lane++) words[lane] = first_word(states[lane]);
}

TARGET static int32_t search(const struct key *keys, size_t key_count, const struct candidate *candidates, size_t from,
                             size_t count, const uint8_t *frame, size_t length) {
  size_t message_length = length - MIC_BYTES;
  uint32_t mic = mic_at_end(frame, length);
  for (size_t at = from; at < count; at += LANES) {
    int used = count - at < LANES ? (int)(count - at) : LANES;
    const struct key *lane_keys[LANES];
    uint32_t rows[LANES], counters[LANES], words[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      /* Lanes behind the end do the last candidate once more. */
      struct candidate one = candidates[at + (size_t)(lane < used ? lane : used - 1)];
      size_t row = one.row & ~SPLIT_MIC;
      if (row >= key_count) return BAD_ROW;
      lane_keys[lane] = keys + row;
      rows[lane] = one.row;
      counters[lane] = one.counter;
    }
    if (used == 1) {
      struct mic_context context = {.counter = counters[0]};
      words[0] = mic_of(lane_keys[0], context, frame, message_length);
    } else {
      mic_lanes(lane_keys, counters, frame, message_length, words);
    }
    for (int lane = 0; lane < used; lane++) {
      if (is_match(rows[lane], words[lane], mic)) return (int32_t)(at + (size_t)lane);
    }
  }
  return NOT_FOUND;
}

TARGET static int32_t open_uplink(const struct key *network, const struct key *application, uint32_t counter,
                                  const uint8_t *frame, size_t length, uint8_t *out, size_t room,
                                  uint32_t *payload_length) {
  *payload_length = 0;
  if (length < MIN_DATA_FRAME_BYTES) return MALFORMED;
  uint8_t type = frame[0] >> 5;
  /* Unconfirmed and confirmed data up. */
  if (type != 2 && type != 4) return MALFORMED;
  size_t end = length - MIC_BYTES;
  size_t options_end = 8 + (size_t)(frame[5] & 0x0f);
  if (options_end > end) return MALFORMED;
  struct mic_context context = {.counter = counter};
  if (mic_of(network, context, frame, end) != mic_at_end(frame, length)) return WRONG_MIC;
  if (options_end == end) return NO_PORT;
  uint8_t port = frame[options_end];
  size_t payload = end - options_end - 1;
  if (payload > room) return NO_ROOM;
  struct payload_context blocks = {.counter = counter};
  memcpy(&blocks.dev_addr, frame + 1, sizeof blocks.dev_addr);
  /* MAC commands, and relayed frames (TS011), go with the network key. */
  const struct key *key = port == 0 || port == 226 ? network : application;
  crypt_bytes(key, blocks, frame + options_end + 1, payload, out);
  *payload_length = (uint32_t)payload;
  return port;
}

const struct backend BACKEND = {
    .name = BACKEND_NAME,
    .expand = expand,
    .cmac = cmac,
    .mic_word = mic_word,
    .crypt = crypt,
    .search = search,
    .open_uplink = open_uplink,
};
