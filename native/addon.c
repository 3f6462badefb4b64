/*
 * The functions JavaScript sees. Every argument is checked here, before a backend reads a byte: kinds of arrays, that
 * numbers are whole and in range, that offsets and lengths lie inside the arrays. A wrong argument throws. Nothing is
 * kept between calls; the chosen backend travels with each function.
 *
 * Keys are rows of KEY_WORDS words in a Uint32Array that JavaScript owns.
 */
#include "backend.h"
#include "host.h"

#define CODE "GATEHOUSE_NATIVE_ARGUMENT"
#define COUNT(array) (sizeof(array) / sizeof *(array))

struct bytes {
  uint8_t *at;
  size_t length;
};

struct words {
  uint32_t *at;
  size_t length;
};

static bool fail(napi_env env, const char *message) {
  HOST(napi_throw_range_error)(env, CODE, message);
  return false;
}

static bool fail_type(napi_env env, const char *message) {
  HOST(napi_throw_type_error)(env, CODE, message);
  return false;
}

/* Arguments and the backend; exactly `count` of them, since missing ones are undefined and fail their own check. */
static const struct backend *arguments_of(napi_env env, napi_callback_info info, size_t count, napi_value *values) {
  void *data = NULL;
  size_t given = count;
  if (HOST(napi_get_cb_info)(env, info, &given, values, NULL, &data) != napi_ok) return NULL;
  return data;
}

static bool array_of(napi_env env, napi_value value, napi_typedarray_type wanted, void **at, size_t *length) {
  napi_typedarray_type type;
  if (HOST(napi_get_typedarray_info)(env, value, &type, length, at, NULL, NULL) != napi_ok || type != wanted) {
    return fail_type(env, wanted == napi_uint8_array ? "expected a Uint8Array" : "expected a Uint32Array");
  }
  /* An array whose buffer was given away has no memory. */
  if (*at == NULL) *length = 0;
  return true;
}

static bool bytes_of(napi_env env, napi_value value, struct bytes *result) {
  void *at = NULL;
  if (!array_of(env, value, napi_uint8_array, &at, &result->length)) return false;
  result->at = at;
  return true;
}

static bool words_of(napi_env env, napi_value value, struct words *result) {
  void *at = NULL;
  if (!array_of(env, value, napi_uint32_array, &at, &result->length)) return false;
  result->at = at;
  return true;
}

/* A whole number from 0 to 2^32-1; nothing is converted. */
static bool number_of(napi_env env, napi_value value, uint32_t *result) {
  double number;
  if (HOST(napi_get_value_double)(env, value, &number) != napi_ok) return fail_type(env, "expected a number");
  if (!(number >= 0 && number <= 4294967295.0)) return fail(env, "expected a number from 0 to 4294967295");
  *result = (uint32_t)number;
  return (double)*result == number || fail(env, "expected a whole number");
}

static bool numbers_of(napi_env env, const napi_value *values, uint32_t *results, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!number_of(env, values[i], &results[i])) return false;
  }
  return true;
}

/* The one key in an array of exactly its size. */
static bool key_of(napi_env env, napi_value value, struct key **key) {
  struct words words;
  if (!words_of(env, value, &words)) return false;
  if (words.length != KEY_WORDS) return fail(env, "an expanded key has 52 words");
  *key = (struct key *)words.at;
  return true;
}

static bool is_inside(size_t offset, size_t length, size_t size) { return offset <= size && length <= size - offset; }

static napi_value int32_of(napi_env env, int32_t value) {
  napi_value result = NULL;
  HOST(napi_create_int32)(env, value, &result);
  return result;
}

/* expandKey(bytes, words): fills a row with the schedule and the subkeys of CMAC. */
static napi_value expand_key(napi_env env, napi_callback_info info) {
  napi_value values[2];
  struct bytes bytes;
  struct key *key;
  const struct backend *backend = arguments_of(env, info, COUNT(values), values);
  if (!backend || !bytes_of(env, values[0], &bytes) || !key_of(env, values[1], &key)) return NULL;
  if (bytes.length != BLOCK_BYTES) {
    fail(env, "an AES-128 key has 16 bytes");
    return NULL;
  }
  backend->expand(bytes.at, key);
  return NULL;
}

/* cmac(key, message, out): RFC 4493; `out` has 16 bytes. */
static napi_value cmac(napi_env env, napi_callback_info info) {
  napi_value values[3];
  struct key *key;
  struct bytes message, out;
  const struct backend *backend = arguments_of(env, info, COUNT(values), values);
  if (!backend || !key_of(env, values[0], &key) || !bytes_of(env, values[1], &message) ||
      !bytes_of(env, values[2], &out)) {
    return NULL;
  }
  if (out.length != BLOCK_BYTES) {
    fail(env, "a CMAC has 16 bytes");
    return NULL;
  }
  backend->cmac(key, message.at, message.length, out.at);
  return NULL;
}

/* micWord(key, direction, lead, counter, bytes, end): first word of the MIC of bytes[0…end), as a signed number. */
static napi_value mic_word(napi_env env, napi_callback_info info) {
  napi_value values[6];
  struct key *key;
  struct bytes bytes;
  uint32_t numbers[3], end;
  const struct backend *backend = arguments_of(env, info, COUNT(values), values);
  if (!backend || !key_of(env, values[0], &key) || !numbers_of(env, values + 1, numbers, COUNT(numbers)) ||
      !bytes_of(env, values[4], &bytes) || !number_of(env, values[5], &end)) {
    return NULL;
  }
  if (numbers[0] > 1 || end < MIN_MESSAGE_BYTES || end > bytes.length) {
    fail(env, "no data message of at least 5 bytes in one of two directions");
    return NULL;
  }
  struct mic_context context = {.direction = numbers[0], .lead = numbers[1], .counter = numbers[2]};
  return int32_of(env, (int32_t)backend->mic_word(key, context, bytes.at, end));
}

/* crypt(key, constant, direction, devAddr, counter, input, out, outOffset): XOR with the keystream of the A blocks. */
static napi_value crypt_payload(napi_env env, napi_callback_info info) {
  napi_value values[8];
  struct key *key;
  struct bytes input, out;
  uint32_t numbers[4], offset;
  const struct backend *backend = arguments_of(env, info, COUNT(values), values);
  if (!backend || !key_of(env, values[0], &key) || !numbers_of(env, values + 1, numbers, COUNT(numbers)) ||
      !bytes_of(env, values[5], &input) || !bytes_of(env, values[6], &out) || !number_of(env, values[7], &offset)) {
    return NULL;
  }
  if (numbers[0] > 0xff || numbers[1] > 1) {
    fail(env, "constant or direction of a payload is out of range");
    return NULL;
  }
  if (!is_inside(offset, input.length, out.length)) {
    fail(env, "the payload does not fit into the output");
    return NULL;
  }
  struct payload_context context = {
      .constant = numbers[0], .direction = numbers[1], .dev_addr = numbers[2], .counter = numbers[3]};
  backend->crypt(key, context, input.at, input.length, out.at + offset);
  return NULL;
}

/* searchMics(keys, candidates, from, count, frame): index of the first candidate that made the MIC, or -1. */
static napi_value search_mics(napi_env env, napi_callback_info info) {
  napi_value values[5];
  struct words keys, candidates;
  struct bytes frame;
  uint32_t from, count;
  const struct backend *backend = arguments_of(env, info, COUNT(values), values);
  if (!backend || !words_of(env, values[0], &keys) || !words_of(env, values[1], &candidates) ||
      !number_of(env, values[2], &from) || !number_of(env, values[3], &count) || !bytes_of(env, values[4], &frame)) {
    return NULL;
  }
  if (from > count || count > INT32_MAX || count > candidates.length / 2) {
    fail(env, "there are not as many candidates");
    return NULL;
  }
  if (frame.length < MIN_MESSAGE_BYTES + MIC_BYTES) {
    fail(env, "a frame with an address and a MIC has at least 9 bytes");
    return NULL;
  }
  int32_t found = backend->search((const struct key *)keys.at, keys.length / KEY_WORDS,
                                  (const struct candidate *)candidates.at, from, count, frame.at, frame.length);
  if (found == BAD_ROW) {
    fail(env, "a candidate names a row that the keys do not have");
    return NULL;
  }
  return int32_of(env, found);
}

/* A row of the table of openUplinks. */
struct uplink {
  uint32_t network_row, application_row, counter, offset, length;
  int32_t port;
  uint32_t payload_offset, payload_length;
};
enum { UPLINK_WORDS = sizeof(struct uplink) / 4 };

/* openUplinks(keys, frames, table, count, payloads): verifies and decrypts 1.0.x data uplinks; how many were opened. */
static napi_value open_uplinks(napi_env env, napi_callback_info info) {
  napi_value values[5];
  struct words keys, table;
  struct bytes frames, payloads;
  uint32_t count, opened = 0;
  const struct backend *backend = arguments_of(env, info, COUNT(values), values);
  if (!backend || !words_of(env, values[0], &keys) || !bytes_of(env, values[1], &frames) ||
      !words_of(env, values[2], &table) || !number_of(env, values[3], &count) || !bytes_of(env, values[4], &payloads)) {
    return NULL;
  }
  if (count > table.length / UPLINK_WORDS) {
    fail(env, "the table has not as many rows");
    return NULL;
  }
  const struct key *rows = (const struct key *)keys.at;
  struct uplink *uplinks = (struct uplink *)table.at;
  size_t row_count = keys.length / KEY_WORDS, used = 0;
  for (uint32_t i = 0; i < count; i++) {
    struct uplink one = uplinks[i];
    if (one.network_row >= row_count || one.application_row >= row_count ||
        !is_inside(one.offset, one.length, frames.length)) {
      fail(env, "a row of the table points outside the keys or the frames");
      return NULL;
    }
    one.port = backend->open_uplink(rows + one.network_row, rows + one.application_row, one.counter,
                                    frames.at + one.offset, one.length, payloads.at + used, payloads.length - used,
                                    &one.payload_length);
    one.payload_offset = (uint32_t)used;
    used += one.payload_length;
    opened += one.port >= NO_PORT;
    uplinks[i] = one;
  }
  return int32_of(env, (int32_t)opened);
}

static const struct {
  const char *name;
  napi_callback function;
} functions[] = {
    {"expandKey", expand_key},     {"cmac", cmac},
    {"micWord", mic_word},         {"crypt", crypt_payload},
    {"searchMics", search_mics},   {"openUplinks", open_uplinks},
};

/* One object of functions for each AES this processor can run; the best one stands in `exports` itself. */
static bool add_functions(napi_env env, napi_value object, const struct backend *backend) {
  napi_value name;
  if (HOST(napi_create_string_utf8)(env, backend->name, NAPI_AUTO_LENGTH, &name) != napi_ok) return false;
  if (HOST(napi_set_named_property)(env, object, "aes", name) != napi_ok) return false;
  for (size_t i = 0; i < COUNT(functions); i++) {
    napi_value function;
    if (HOST(napi_create_function)(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, (void *)backend,
                                   &function) != napi_ok ||
        HOST(napi_set_named_property)(env, object, functions[i].name, function) != napi_ok) {
      return false;
    }
  }
  return true;
}

NAPI_MODULE_INIT() {
  napi_value portable;
  if (!find_host()) return NULL;
  if (HOST(napi_create_object)(env, &portable) != napi_ok || !add_functions(env, exports, choose_backend()) ||
      !add_functions(env, portable, &portable_backend) ||
      HOST(napi_set_named_property)(env, exports, "portable", portable) != napi_ok) {
    return NULL;
  }
  return exports;
}
