import { describe, expect, test } from 'vitest';
import { parsePushData } from './push-data.ts';

const EUI = 'AA555A000000010B';

function parse(body: unknown) {
  const json = typeof body === 'string' ? body : JSON.stringify(body);
  const bytes = Buffer.concat([Buffer.from('02123400', 'hex'), Buffer.from(EUI, 'hex')]);
  return parsePushData(Buffer.concat([bytes, Buffer.from(json)]), EUI);
}

function codes(body: unknown): string[] {
  return parse(body).issues.map((issue) => issue.code.replace('gatehouse/udp:', ''));
}

const PACKET = {
  tmst: 3_512_348_611,
  chan: 2,
  rfch: 0,
  freq: 866.349812,
  stat: 1,
  modu: 'LORA',
  datr: 'SF7BW125',
  codr: '4/6',
  rssi: -35,
  lsnr: 5.1,
  size: 4,
  data: 'QAECAw==',
};

describe('rxpk', () => {
  test('of a current forwarder', () => {
    const body =
      '{"rxpk":[{"jver":1,"tmst":3512348611,"time":"2026-03-31T16:21:17.528002Z","tmms":1458836495528,"ftime":123456789,' +
      '"chan":2,"rfch":1,"freq":868.100000,"mid": 2,"stat":1,"modu":"LORA","datr":"SF12BW125","codr":"4/5",' +
      '"rssis":-101,"lsnr":-7.2,"foff":-1423,"rssi":-96,"size":4,"data":"QAECAw=="}]}';
    expect(parse(body)).toEqual({
      wellFormed: true,
      issues: [],
      uplinks: [
        {
          gatewayEui: EUI,
          phyPayload: Uint8Array.of(0x40, 1, 2, 3),
          frequencyHz: 868_100_000,
          modulation: {
            kind: 'lora',
            spreadingFactor: 12,
            bandwidthHz: 125_000,
            codingRate: '4/5',
          },
          crc: 'ok',
          concentratorTimestampUs: 3_512_348_611,
          gatewayTimeMs: Date.UTC(2026, 2, 31, 16, 21, 17) + 528.002,
          gpsTimeMs: 1_458_836_495_528,
          antennas: [
            {
              antennaIndex: 0,
              channelRssiDbm: -96,
              signalRssiDbm: -101,
              snrDb: -7.2,
              frequencyOffsetHz: -1423,
              fineTimestampNs: 123_456_789,
              ifChannel: 2,
              rfChain: 1,
            },
          ],
        },
      ],
    });
  });

  test('of an old forwarder leaves what it does not say absent', () => {
    const [uplink] = parse({ rxpk: [PACKET] }).uplinks;
    expect(uplink?.frequencyHz).toBe(866_349_812);
    expect(uplink).not.toHaveProperty('gpsTimeMs');
    expect(uplink).not.toHaveProperty('gatewayTimeMs');
    expect(uplink?.antennas).toEqual([
      { antennaIndex: 0, channelRssiDbm: -35, snrDb: 5.1, ifChannel: 2, rfChain: 0 },
    ]);
  });

  test.each([
    ['FSK', { modu: 'FSK', datr: 50000 }, { kind: 'fsk', bitRate: 50_000 }],
    ['FSK as text', { modu: 'FSK', datr: '50000' }, { kind: 'fsk', bitRate: 50_000 }],
    [
      'LR-FHSS',
      { modu: 'LR-FHSS', datr: 'M0CW137', codr: '4/6' },
      { kind: 'lrfhss', modulationType: 0, operatingChannelWidthHz: 137_000, codingRate: '2/3' },
    ],
    [
      'LR-FHSS 2/6',
      { modu: 'LR-FHSS', datr: 'M0CW336', codr: '2/6' },
      { kind: 'lrfhss', modulationType: 0, operatingChannelWidthHz: 336_000, codingRate: '1/3' },
    ],
    [
      '2.4 GHz',
      { freq: 2425, datr: 'SF12BW812', codr: '4/8LI' },
      { kind: 'lora', spreadingFactor: 12, bandwidthHz: 812_000, codingRate: '4/8LI' },
    ],
    [
      'no modulation named',
      { modu: undefined, codr: 'OFF', datr: 'SF9BW500' },
      { kind: 'lora', spreadingFactor: 9, bandwidthHz: 500_000, codingRate: '4/5' },
    ],
  ])('modulation %s', (_name, change, modulation) => {
    const { uplinks, issues } = parse({ rxpk: [{ ...PACKET, ...change }] });
    expect(issues).toEqual([]);
    expect(uplinks[0]?.modulation).toEqual(modulation);
  });

  test.each([
    [
      'numbers as text',
      { tmst: '17', freq: '868.3', rssi: '-80', lsnr: '7', size: '4', stat: '1' },
    ],
    ['unpadded base64', { data: 'QAECAw' }],
    ['base64 for URLs', { data: 'QAECAw==', size: 4 }],
  ])('accepts %s', (_name, change) => {
    const { uplinks, issues } = parse({ rxpk: [{ ...PACKET, ...change }] });
    expect(issues).toEqual([]);
    expect([...(uplinks[0]?.phyPayload ?? [])]).toEqual([0x40, 1, 2, 3]);
    expect(uplinks[0]?.crc).toBe('ok');
  });

  test('accepts both base64 alphabets', () => {
    const of = (data: string) => parse({ rxpk: [{ ...PACKET, size: 3, data }] }).uplinks[0];
    expect([...(of('+/+/')?.phyPayload ?? [])]).toEqual([0xfb, 0xff, 0xbf]);
    expect([...(of('-_-_')?.phyPayload ?? [])]).toEqual([0xfb, 0xff, 0xbf]);
  });

  test('a signed counter is the unsigned one', () => {
    const [uplink] = parse({ rxpk: [{ ...PACKET, tmst: -1 }] }).uplinks;
    expect(uplink?.concentratorTimestampUs).toBe(4_294_967_295);
  });

  test.each([
    [-1, 'bad'],
    [0, 'none'],
    [1, 'ok'],
    [undefined, undefined],
  ])('stat %s is CRC status %s', (stat, crc) => {
    expect(parse({ rxpk: [{ ...PACKET, stat }] }).uplinks[0]?.crc).toBe(crc);
  });

  test('antennas of a version 2 gateway come strongest first', () => {
    const rsig = [
      { ant: 0, chan: 7, rssic: -110, rssis: -118, lsnr: -8, etime: 'AAAA', foff: 12 },
      { ant: 1, chan: 23, rssic: -101, lsnr: 2.5, ftime: 42 },
    ];
    const packet = { ...PACKET, rssi: undefined, lsnr: undefined, chan: undefined, brd: 0, rsig };
    expect(parse({ rxpk: [packet] }).uplinks[0]?.antennas).toEqual([
      {
        antennaIndex: 1,
        channelRssiDbm: -101,
        snrDb: 2.5,
        fineTimestampNs: 42,
        ifChannel: 23,
        rfChain: 0,
      },
      {
        antennaIndex: 0,
        channelRssiDbm: -110,
        signalRssiDbm: -118,
        snrDb: -8,
        frequencyOffsetHz: 12,
        ifChannel: 7,
        rfChain: 0,
      },
    ]);
  });

  test.each([
    ['bad_data', { data: '§§' }],
    ['bad_data', { data: undefined }],
    ['bad_data', { data: 'QAECA' }],
    ['bad_length', { data: '' }],
    ['bad_length', { data: 'A'.repeat(400) }],
    ['bad_frequency', { freq: undefined }],
    ['bad_frequency', { freq: -1 }],
    ['bad_frequency', { freq: 868_100_000 }],
    ['bad_timestamp', { tmst: undefined }],
    ['bad_timestamp', { tmst: 2 ** 32 }],
    ['bad_data_rate', { datr: 'SF13BW125' }],
    ['bad_data_rate', { datr: 7 }],
    ['bad_data_rate', { modu: 'FSK', datr: 'SF7BW125' }],
    ['unknown_modulation', { modu: 'GFSK' }],
  ])('%s drops only that packet', (code, change) => {
    const body = {
      rxpk: [
        { ...PACKET, ...change },
        { ...PACKET, data: 'gAECAw==' },
      ],
    };
    expect(codes(body)).toEqual([code]);
    expect(parse(body).uplinks).toHaveLength(1);
  });

  test('a wrong size is told, and the frame kept', () => {
    const body = { rxpk: [{ ...PACKET, size: 9 }] };
    expect(codes(body)).toEqual(['size_mismatch']);
    expect(parse(body).uplinks).toHaveLength(1);
  });

  test('of identical payloads only the strongest stays, at the place of the first', () => {
    const body = {
      rxpk: [
        { ...PACKET, chan: 3, rssi: -92 },
        { ...PACKET, data: 'gAECAw==' },
        { ...PACKET, chan: 4, rssi: -33 },
        { ...PACKET, chan: 5, rssi: -90 },
      ],
    };
    const { uplinks } = parse(body);
    expect(uplinks.map((uplink) => uplink.antennas[0]?.ifChannel)).toEqual([4, 2]);
  });
});

describe('stat', () => {
  test('of a current forwarder', () => {
    const stat = {
      time: '2014-01-12 08:59:28 GMT',
      lati: 46.24,
      long: 3.2523,
      alti: 145,
      rxnb: 2,
      rxok: '2',
      rxfw: 2,
      ackr: 100.0,
      dwnb: 3,
      txnb: 1,
      temp: 23.2,
      pfrm: 'IMST + Rpi',
      hver: { fpga: 31, dsp0: 'x' },
      lpps: 60,
      lmnw: '12',
    };
    expect(parse({ stat }).status).toEqual({
      gatewayEui: EUI,
      gatewayTimeMs: Date.UTC(2014, 0, 12, 8, 59, 28),
      latitude: 46.24,
      longitude: 3.2523,
      altitudeM: 145,
      receivedCount: 2,
      receivedOkCount: 2,
      forwardedCount: 2,
      acknowledgedPercent: 100,
      downlinkReceivedCount: 3,
      transmittedCount: 1,
      temperatureCelsius: 23.2,
      furtherMetrics: { lpps: 60, lmnw: 12 },
      versions: { pfrm: 'IMST + Rpi', 'hver.fpga': '31', 'hver.dsp0': 'x' },
    });
  });

  test.each([
    [0, 0],
    [10.0005, 20],
    [91, 5],
  ])('position %s, %s is no position', (lati, long) => {
    expect(parse({ stat: { lati, long, alti: 3 } }).status).toEqual({ gatewayEui: EUI });
  });

  test('a status that is no object is an issue', () => {
    expect(codes({ stat: 7 })).toEqual(['bad_stat']);
  });
});

test('a datagram without anything is well-formed', () => {
  expect(parse('')).toEqual({ uplinks: [], issues: [], wellFormed: true });
});

test('reads more than ten thousand datagrams in a second', () => {
  const body = JSON.stringify({ rxpk: [PACKET] });
  parse(body);
  const startMs = performance.now();
  for (let count = 0; count < 10_000; count += 1) parse(body);
  expect(performance.now() - startMs).toBeLessThan(1_000);
});

describe('values nothing can have', () => {
  test('nesting deeper than a stack is a complaint like any other', () => {
    const depth = 32_000;
    expect(codes(`{"rxpk":[${'['.repeat(depth)}${']'.repeat(depth)}]}`)).toEqual(['bad_rxpk']);
    expect(codes(`{"rxpk":[{"data":${'['.repeat(depth)}${']'.repeat(depth)}}]}`)).toEqual([
      'bad_data',
    ]);
  });

  test('extreme measurements count as not measured, and the frame is taken', () => {
    const extreme = { rssi: 1e300, rssis: -1e300, lsnr: 1e300, foff: 1e12, tmms: 2 ** 64 };
    for (const time of ['0000-01-01T00:00:00Z', '9999-12-31T24:59:60Z']) {
      const [uplink] = parse({ rxpk: [{ ...PACKET, ...extreme, time }] }).uplinks;
      expect(uplink?.antennas).toEqual([{ antennaIndex: 0, ifChannel: 2, rfChain: 0 }]);
      expect(uplink).not.toHaveProperty('gpsTimeMs');
      expect(uplink).not.toHaveProperty('gatewayTimeMs');
    }
  });

  test('extreme statistics count as not reported', () => {
    const stat = { ackr: -1e300, temp: 1e300, lati: 48, long: 11, alti: 1e300, rxnb: 1e300 };
    expect(parse({ stat }).status).toEqual({ gatewayEui: EUI, latitude: 48, longitude: 11 });
  });
});
