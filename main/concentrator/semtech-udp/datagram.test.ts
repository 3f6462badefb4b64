import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BODY_OFFSET,
  checkPullData,
  encodeAck,
  encodePullResp,
  parseBody,
  parseHeader,
} from './datagram.ts';
import { parsePushData } from './push-data.ts';
import { parseTxAck } from './tx-ack.ts';

const EUI = [0xaa, 0x55, 0x5a, 0, 0, 0, 0x01, 0x0b];

function datagram(type: number, json = '', version = 2): Uint8Array {
  return Uint8Array.of(version, 0x12, 0x34, type, ...EUI, ...Buffer.from(json));
}

function headerOf(bytes: Uint8Array) {
  const { header } = parseHeader(bytes);
  if (!header) throw new Error('no header');
  return header;
}

describe('header', () => {
  test('names version, token, type and gateway EUI', () => {
    expect(parseHeader(datagram(0, '{}')).header).toEqual({
      version: 2,
      token: 0x1234,
      type: 'push_data',
      gatewayEui: 'AA555A000000010B',
    });
    expect(headerOf(datagram(2, '', 1))).toMatchObject({ version: 1, type: 'pull_data' });
    expect(headerOf(datagram(5)).type).toBe('tx_ack');
  });

  test.each([
    ['too_short', Uint8Array.of(2, 0, 0)],
    ['too_short', new Uint8Array(0)],
    ['unknown_version', datagram(0, '', 3)],
    ['unexpected_type', datagram(1)],
    ['unexpected_type', datagram(3)],
    ['unexpected_type', datagram(200)],
    ['no_eui', datagram(0).subarray(0, 11)],
    ['zero_eui', Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
  ])('refuses with %s', (reason, bytes) => {
    const { issue } = parseHeader(bytes);
    expect(issue?.code).toBe(`gatehouse/udp:${reason}`);
    expect(issue?.detail).not.toBe('');
  });

  test('answers carry version and token of what they answer', () => {
    expect([...encodeAck(headerOf(datagram(0, '', 1)))]).toEqual([1, 0x12, 0x34, 1]);
    expect([...encodeAck(headerOf(datagram(2)))]).toEqual([2, 0x12, 0x34, 4]);
    expect(Buffer.from(encodePullResp(2, 0xbeef, '{}')).toString('hex')).toBe('02beef037b7d');
  });
});

describe('body', () => {
  test('ends before NUL bytes and blanks', () => {
    expect(parseBody(datagram(0, '{"a":1}\0\0\n')).body).toEqual({ a: 1 });
    expect(parseBody(datagram(5, '\0'))).toEqual({});
    expect(parseBody(datagram(5))).toEqual({});
  });

  test('that is no JSON object is an issue at its place', () => {
    expect(parseBody(datagram(0, '{"rxpk":[')).issue).toMatchObject({
      code: 'gatehouse/udp:bad_json',
      offset: BODY_OFFSET,
      length: 9,
    });
    expect(parseBody(datagram(0, '[1]')).issue?.code).toBe('gatehouse/udp:not_an_object');
  });
});

test('a PULL_DATA ends after the gateway EUI', () => {
  expect(checkPullData(datagram(2))).toBeUndefined();
  expect(checkPullData(datagram(2, '\0'))).toBeUndefined();
  expect(checkPullData(datagram(2, 'more'))).toMatchObject({
    code: 'gatehouse/udp:pull_data_too_long',
    offset: 12,
    length: 4,
  });
});

describe('TX_ACK', () => {
  const resultOf = (json: string) => parseTxAck(datagram(5, json)).acknowledgment;

  test('without JSON or with NONE means queued', () => {
    expect(resultOf('')).toEqual({ result: 'success' });
    expect(resultOf('{"txpk_ack":{"error":"NONE"}}')).toEqual({ result: 'success' });
  });

  test.each([
    ['TOO_LATE', 'too_late'],
    ['TOO_EARLY', 'too_early'],
    ['COLLISION_PACKET', 'collision_packet'],
    ['COLLISION_BEACON', 'collision_beacon'],
    ['TX_FREQ', 'tx_freq'],
    ['TX_POWER', 'tx_power'],
    ['GPS_UNLOCKED', 'gps_unlocked'],
    ['OUT_OF_TEA', 'unknown'],
  ])('%s is %s, with the words of the gateway', (error, result) => {
    expect(resultOf(JSON.stringify({ txpk_ack: { error } }))).toEqual({ result, detail: error });
  });

  test('a power warning is a success with the power really used', () => {
    expect(resultOf('{"txpk_ack":{"warn":"TX_POWER","value":27}}')).toEqual({
      result: 'success',
      detail: 'TX_POWER',
      transmittedEirpDbm: 29.15,
    });
  });
});

describe('foreign bytes', () => {
  const readAll = (bytes: Uint8Array): void => {
    const { header } = parseHeader(bytes);
    parseBody(bytes);
    parseTxAck(bytes);
    const pushed = parsePushData(bytes, header?.gatewayEui ?? '0000000000000001');
    for (const uplink of pushed.uplinks) {
      expect(uplink.phyPayload.length).toBeGreaterThan(0);
      expect(uplink.antennas.length).toBeGreaterThan(0);
      expect(uplink.concentratorTimestampUs).toBeGreaterThanOrEqual(0);
      expect(uplink.frequencyHz).toBeGreaterThan(0);
    }
  };

  test('of any kind never throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), readAll), { numRuns: 3000 });
  });

  test('after a good header never throw', () => {
    const bytes = fc
      .tuple(fc.constantFrom(0, 2, 5), fc.string({ maxLength: 200, unit: 'binary' }))
      .map(([type, text]) => datagram(type, text));
    fc.assert(fc.property(bytes, readAll), { numRuns: 2000 });
  });

  test('with known names and any values never throw', () => {
    const names =
      'tmst time tmms freq chan rfch stat modu datr codr rssi rssis lsnr size data rsig ant foff ftime';
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom(
        'LORA',
        'FSK',
        'LR-FHSS',
        'SF7BW125',
        'M0CW137',
        868.1,
        '868.1',
        'QAECAw==',
        '1e999',
      ),
    );
    const rxpk = fc.dictionary(fc.constantFrom(...names.split(' ')), value, { maxKeys: 18 });
    const body = fc.record({ rxpk: fc.oneof(fc.array(rxpk), value), stat: value });
    const bytes = body.map((json) => datagram(0, JSON.stringify(json)));
    fc.assert(fc.property(bytes, readAll), { numRuns: 3000 });
  });

  test('cut off anywhere never throw', () => {
    const whole = datagram(0, '{"rxpk":[{"tmst":1,"freq":868.1,"datr":"SF7BW125","data":"QAEC"}]}');
    for (let length = 0; length <= whole.length; length += 1) readAll(whole.subarray(0, length));
  });
});
