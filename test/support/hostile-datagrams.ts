import { type Random, randomBelow } from '../../main/simulator/seeded-random.ts';
import { rxpkOf } from './udp-conversation.ts';

/** A kind of hostile datagram, and what the listener has to make of each of them. */
export interface HostileKind {
  readonly name: string;
  /** Codes under which each datagram of this kind is counted; none if it is usable in spite of everything. */
  readonly codes: readonly string[];
  /** Whether anything of it can be used. */
  readonly used: boolean;
  make(random: Random, index: number): Buffer;
}

const PUSH_DATA = 0;
const PULL_DATA = 2;
const TX_ACK = 5;

/** Gateways the fuzzer speaks for, as eight bytes. */
export const FUZZ_GATEWAYS = Array.from({ length: 8 }, (_, index) =>
  Buffer.from(`F0000000000000${index.toString(16).padStart(2, '0')}`, 'hex'),
);
/** The gateway whose frames are LoRaWAN-shaped and wrong. */
export const SHAPED_GATEWAY = 'F0000000000000FF';

export function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => randomBelow(random, 256)));
}

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[randomBelow(random, choices.length)] as T;
}

export function datagram(
  type: number,
  body: string | Buffer,
  eui: Buffer,
  { version = 2, token = 0x5aa5 } = {},
): Buffer {
  const head = Buffer.from([version, token >> 8, token & 0xff, type]);
  return Buffer.concat([head, eui, Buffer.from(body)]);
}

const push = (random: Random, body: string | Buffer): Buffer =>
  datagram(PUSH_DATA, body, pick(random, FUZZ_GATEWAYS));

/** A PUSH_DATA that is valid but for what `change` says; its frame is like no other. */
function valid(random: Random, change: Readonly<Record<string, unknown>> = {}): Buffer {
  const frame = Buffer.concat([Buffer.from('40', 'hex'), randomBytes(random, 12)]);
  const rxpk = { ...rxpkOf(frame, randomBelow(random, 2 ** 32)), ...change };
  return push(random, JSON.stringify({ rxpk: [rxpk] }));
}

/** `JSON.stringify` knows no numbers beyond its own; these are written as they are. */
const withRaw = (random: Random, name: string, raw: string): Buffer =>
  push(
    random,
    JSON.stringify({ rxpk: [{ ...rxpkOf(Buffer.from('40', 'hex'), 1), [name]: '@' }] }).replace(
      '"@"',
      raw,
    ),
  );

function kind(
  name: string,
  codes: readonly string[],
  make: HostileKind['make'],
  used = codes.length === 0,
): HostileKind {
  return { name, codes: codes.map((code) => `gatehouse/udp:${code}`), used, make };
}

const HEADERS: readonly HostileKind[] = [
  kind('empty and cut headers', ['too_short'], (random, index) => randomBytes(random, index % 4)),
  kind('wrong versions', ['unknown_version'], (random) =>
    datagram(PUSH_DATA, '{}', pick(random, FUZZ_GATEWAYS), {
      version: pick(random, [0, 3, 4, 127, 255]),
    }),
  ),
  kind('wrong types', ['unexpected_type'], (random) =>
    datagram(pick(random, [1, 3, 4, 6, 99, 255]), '{}', pick(random, FUZZ_GATEWAYS)),
  ),
  kind('cut gateway EUIs', ['no_eui'], (random, index) =>
    datagram(PUSH_DATA, '', randomBytes(random, index % 8)),
  ),
  kind('a gateway EUI of zeros', ['zero_eui'], () => datagram(PUSH_DATA, '{}', Buffer.alloc(8))),
  kind('PULL_DATA with a body', ['pull_data_too_long'], (random) =>
    datagram(PULL_DATA, '{"rxpk":[]}', pick(random, FUZZ_GATEWAYS)),
  ),
  kind('TX_ACK for nothing', ['unmatched_tx_ack'], (random) =>
    datagram(TX_ACK, '{"txpk_ack":{"error":"NONE"}}', pick(random, FUZZ_GATEWAYS)),
  ),
  kind('TX_ACK with broken JSON', ['bad_json', 'unmatched_tx_ack'], (random) =>
    datagram(TX_ACK, '{"txpk_ack":', pick(random, FUZZ_GATEWAYS)),
  ),
];

const BODIES: readonly HostileKind[] = [
  kind('cut JSON', ['bad_json'], (random) => {
    const whole = valid(random);
    return whole.subarray(0, 13 + randomBelow(random, whole.length - 14));
  }),
  kind('JSON that is no object', ['not_an_object'], (random) =>
    push(random, pick(random, ['[]', 'null', '5', '"rxpk"', 'true'])),
  ),
  kind('rxpk of other types', ['bad_rxpk'], (random) =>
    push(random, pick(random, ['{"rxpk":5}', '{"rxpk":"x"}', '{"rxpk":[null]}', '{"rxpk":[[]]}'])),
  ),
  kind('stat of other types', ['bad_stat'], (random) =>
    push(random, pick(random, ['{"stat":5}', '{"stat":null}', '{"stat":[]}'])),
  ),
  kind('duplicate keys', ['bad_rxpk'], (random) =>
    push(random, `{"rxpk":[${JSON.stringify(rxpkOf(Buffer.from('40', 'hex'), 1))}],"rxpk":[7]}`),
  ),
  kind('prototype-like keys', ['bad_data'], (random) =>
    push(
      random,
      `{"rxpk":[{"__proto__":${JSON.stringify(rxpkOf(Buffer.from('40', 'hex'), 1))},"constructor":{"prototype":{"polluted":1}}}]}`,
    ),
  ),
  kind('prototype-like keys outside', [], (random) =>
    push(random, '{"__proto__":{"rxpk":[1]},"constructor":{"prototype":{"stat":1}},"toString":1}'),
  ),
  kind('invalid UTF-8', ['bad_data'], (random) =>
    push(
      random,
      Buffer.concat([
        Buffer.from('{"rxpk":[{"data":"'),
        pick(random, [Buffer.of(0xff, 0xfe), Buffer.of(0xc0, 0xaf), Buffer.of(0xed, 0xa0, 0x80)]),
        Buffer.from('"}]}'),
      ]),
    ),
  ),
];

const VALUES: readonly HostileKind[] = [
  kind('bad base64', ['bad_data'], (random) =>
    valid(random, { data: pick(random, ['!!!!', 'A', 'QAA=QAA=', 'Q AA', 7, null, ['QAAA']]) }),
  ),
  kind('empty and overlong frames', ['bad_length'], (random, index) =>
    valid(random, {
      data: index % 2 === 0 ? '' : randomBytes(random, 256 + (index % 700)).toString('base64'),
    }),
  ),
  kind('impossible frequencies', ['bad_frequency'], (random) =>
    valid(random, { freq: pick(random, [0, -868.1, 868_100_000, 'NaN', 'Infinity', null, {}]) }),
  ),
  kind('frequencies beyond numbers', ['bad_frequency'], (random) =>
    withRaw(random, 'freq', pick(random, ['1e308', '1e999', '-1e999'])),
  ),
  kind('impossible counters', ['bad_timestamp'], (random) =>
    withRaw(random, 'tmst', pick(random, ['1e20', '-1e20', '1e999', '"NaN"', '4294967296'])),
  ),
  kind('impossible data rates', ['bad_data_rate'], (random) =>
    valid(random, { datr: pick(random, ['SF99BW125', 'SF7', 'SF7BW0', '', 50_000, null]) }),
  ),
  kind('unknown modulations', ['unknown_modulation'], (random) =>
    valid(random, { modu: pick(random, ['QAM', '', '__proto__']) }),
  ),
  kind('extreme measurements', [], (random) =>
    valid(random, {
      rssi: pick(random, [1e300, -1e300, 3.5e38]),
      lsnr: pick(random, [1e300, -1e300]),
      foff: pick(random, [1e12, -1e300, 2 ** 31]),
      ftime: pick(random, [1e300, -1, 0.5]),
      tmms: pick(random, [1e300, 1.5, 2 ** 64, -1]),
      ant: pick(random, [1e9, -1]),
      time: pick(random, ['0000-01-01T00:00:00Z', '9999-12-31T24:59:60Z', '2026-99-99T00:00:00Z']),
    }),
  ),
  kind('extreme statistics', [], (random) =>
    push(
      random,
      `{"stat":{"rxnb":1e300,"temp":1e999,"ackr":-1e300,"lati":1e300,"long":0,"time":"0000-01-01 00:00:00 GMT","desc":"\\u0000\\ud800"}}`,
    ),
  ),
];

/** As deep, as long and as many as one datagram holds. */
const LARGE: readonly HostileKind[] = [
  kind('deeply nested JSON', ['bad_rxpk'], (random, index) => {
    const depth = index % 2 === 0 ? 32_000 : 5_000;
    return push(random, `{"rxpk":[${'['.repeat(depth)}${']'.repeat(depth)}]}`);
  }),
  kind('deeply nested and unclosed JSON', ['bad_json'], (random) =>
    push(random, `{"rxpk":${'[{"a":'.repeat(10_000)}`),
  ),
  kind('64 KiB of base64', ['bad_length'], (random) => valid(random, { data: 'A'.repeat(64_800) })),
  kind('64 KiB of text', [], (random) =>
    push(random, JSON.stringify({ stat: { desc: 'x'.repeat(65_000) } })),
  ),
  kind(
    '1000 packets',
    ['too_many_packets'],
    (random) => {
      const packet = (index: number): string =>
        `{"tmst":${index},"freq":868.1,"datr":"SF7BW125","data":"${randomBytes(random, 3).toString('base64')}"}`;
      const packets = Array.from({ length: 1_000 }, (_, index) => packet(index));
      return push(random, `{"rxpk":[${packets.join()}]}`);
    },
    true,
  ),
];

/** Kinds of which every datagram has one known fate. */
export const KNOWN_FATES = [...HEADERS, ...BODIES, ...VALUES] as const;
/** The same, in few datagrams, because each of them fills one. */
export const LARGE_KINDS = LARGE;

/** A frame of the message type (0 to 7) whose length fits none, or fits and means nothing. */
export function shapedFrame(random: Random, index: number): Buffer {
  const lengths = [1, 2, 5, 11, 12, 13, 16, 18, 22, 24, 33, 34, 100, 222, 255];
  const head = ((index % 8) << 5) | (index % 16 === 10 ? 1 : 0);
  const length = lengths[Math.floor(index / 8) % lengths.length] ?? 1;
  return Buffer.concat([Buffer.of(head), randomBytes(random, length - 1)]);
}

/** A valid PUSH_DATA with some of its bits turned over. */
export function flipped(random: Random): Buffer {
  const bytes = Buffer.from(valid(random));
  for (let count = 1 + randomBelow(random, 8); count > 0; count -= 1) {
    const at = randomBelow(random, bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << randomBelow(random, 8));
  }
  return bytes;
}
