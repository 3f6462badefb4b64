import { describe, expect, it } from 'vitest';
import {
  createBench,
  deviceConfig,
  EU_JOIN_RX1,
  euRx2,
  joinedBench,
  sendOne,
} from './testing/bench.ts';
import { hexBytes, lora, type Placement } from './testing/lora-packet-network.ts';

describe('joining', () => {
  it('joins on an accept in RX1 and sends uplinks the network can verify and decrypt', async () => {
    const bench = await joinedBench();
    const device = bench.simulator.device('probe');
    expect(device.state).toBe('joined');
    expect(device.devAddr).toBe('0212F00D');
    await sendOne(bench, 'cafe01');
    expect(bench.network.uplinks).toMatchObject([
      { micValid: true, fCnt: 0, fPort: 2, payloadHex: 'cafe01', adr: true, confirmed: false },
    ]);
  });

  it('joins on an accept in RX2', async () => {
    const bench = await joinedBench({}, { placement: () => euRx2(6) });
    expect(bench.simulator.device('probe').state).toBe('joined');
  });

  it.each<[string, (request: Placement) => Placement]>([
    ['a second late', (request) => ({ ...request, delayUs: 6_000_000 })],
    ['30 ms early', (request) => ({ ...request, delayUs: 4_970_000 })],
    [
      'on another frequency',
      (request) => ({ ...request, delayUs: 5_000_000, frequencyHz: 867_100_000 }),
    ],
    [
      'with another spreading factor',
      (request) => ({ ...request, delayUs: 5_000_000, modulation: lora(9) }),
    ],
  ])('does not hear an accept %s', async (_, placement) => {
    const bench = await joinedBench(
      {},
      { placement: (request) => placement({ ...request, delayUs: 0 }) },
    );
    const device = bench.simulator.device('probe');
    expect(bench.network.acknowledgments).toMatchObject([{ result: 'success' }]);
    expect(device.state).toBe('joining');
    expect(device.problems.at(-1)?.text).toContain('no valid join-accept');
  });

  it('does not take an accept made with another AppKey and says so', async () => {
    const bench = await createBench();
    const { network, simulator } = bench;
    simulator.removeDevice('probe');
    network.joinAnswer = EU_JOIN_RX1;
    simulator.addDevice(
      deviceConfig({ activation: { kind: 'otaa', appKey: new Uint8Array(16).fill(9) } }),
    );
    simulator.join('probe');
    await bench.clock.advance(8000);
    expect(network.log).toContain('join-request with bad MIC');
    expect(simulator.device('probe').state).toBe('joining');
  });

  it('tries again with growing pauses, new DevNonces and slower data rates', async () => {
    const bench = await createBench();
    bench.simulator.join('probe');
    await bench.clock.advance(400_000);
    const { joinRequests } = bench.network;
    expect(joinRequests.length).toBeGreaterThanOrEqual(5);
    const nonces = new Set(joinRequests.map((request) => request.devNonceHex));
    expect(nonces.size).toBe(joinRequests.length);
    const factors = joinRequests
      .slice(0, 5)
      .map(({ reception }) =>
        reception.modulation.kind === 'lora' ? reception.modulation.spreadingFactor : 0,
      );
    expect(factors).toEqual([7, 7, 8, 8, 9]);
    const starts = joinRequests.map(({ reception }) => reception.concentratorTimestampUs / 1e6);
    const pauses = starts.slice(1).map((start, index) => start - (starts[index] ?? 0));
    expect(pauses[0]).toBeGreaterThan(8 + 6);
    expect(pauses[3]).toBeGreaterThan((pauses[0] ?? 0) * 2);
  });

  it('counts DevNonces when told where to begin', async () => {
    const bench = await createBench(deviceConfig({ firstDevNonce: 0x0fff }));
    bench.simulator.join('probe');
    await bench.clock.advance(60_000);
    expect(bench.network.joinRequests.slice(0, 2).map((r) => r.devNonceHex)).toEqual([
      '0fff',
      '1000',
    ]);
  });

  it('takes RX1 delay, RX1 offset, RX2 data rate and channels from the accept', async () => {
    const bench = await joinedBench(
      {},
      { dlSettings: 0x23, rxDelay: 5, cfListHex: '184f84e85684b85e84886684586e8400' },
    );
    const { network, downlinks } = bench;
    network.onUplink = ({ reception }) => {
      const first = network.uplinks.length === 1;
      network.send(
        reception,
        first
          ? { delayUs: 5e6, frequencyHz: reception.frequencyHz, modulation: lora(9) }
          : { delayUs: 6e6, frequencyHz: 869_525_000, modulation: lora(9) },
        { fPort: 4, payloadHex: '01' },
      );
    };
    await sendOne(bench);
    await sendOne(bench);
    expect(downlinks.map((downlink) => downlink.window)).toEqual(['RX1', 'RX2']);
    for (let count = 0; count < 60; count += 1) await sendOne(bench);
    const used = new Set(network.uplinks.map(({ reception }) => reception.frequencyHz));
    expect([...used].sort()).toEqual([
      867_100_000, 867_300_000, 867_500_000, 867_700_000, 867_900_000, 868_100_000, 868_300_000,
      868_500_000,
    ]);
  });

  it('uses the windows and the sub-band of US902-928', async () => {
    const bench = await createBench(
      deviceConfig({ bandId: 'US_902_928', subBand: 2, dataRateIndex: 3 }),
    );
    const { network, simulator, clock, downlinks } = bench;
    network.joinAnswer = {
      placement: (request) => {
        const channel = (request.frequencyHz - 902_300_000) / 200_000;
        return {
          delayUs: 5e6,
          frequencyHz: 923_300_000 + (channel % 8) * 600_000,
          modulation: lora(10, 500_000),
        };
      },
      dlSettings: 0x08,
      cfListHex: '00ff00000000000000000000000000' + '01',
    };
    simulator.join('probe');
    await clock.advance(8000);
    expect(simulator.device('probe')).toMatchObject({ state: 'joined', enabledChannelCount: 8 });
    network.onUplink = ({ reception }) => {
      const rx2 = { delayUs: 2e6, frequencyHz: 923_300_000, modulation: lora(12, 500_000) };
      network.send(reception, rx2, { fPort: 1, payloadHex: '05' });
    };
    for (let count = 0; count < 20; count += 1) await sendOne(bench);
    expect(downlinks).toHaveLength(20);
    for (const { reception } of network.uplinks) {
      const channel = (reception.frequencyHz - 902_300_000) / 200_000;
      expect(channel).toBeGreaterThanOrEqual(8);
      expect(channel).toBeLessThan(16);
      expect(reception.modulation).toEqual(lora(7));
    }
  });

  it('alternates narrow and wide channels of US902-928 while joining', async () => {
    const bench = await createBench(deviceConfig({ bandId: 'US_902_928', subBand: 2 }));
    bench.simulator.join('probe');
    await bench.clock.advance(120_000);
    const heard = bench.network.joinRequests.slice(0, 2).map(({ reception }) => reception);
    expect(heard.map(({ modulation }) => modulation)).toEqual([lora(10), lora(8, 500_000)]);
    expect(heard[1]?.frequencyHz).toBe(904_600_000);
  });

  it('is joined from the start when personalized, and refuses to join', async () => {
    const bench = await createBench(
      deviceConfig({
        activation: {
          kind: 'abp',
          devAddr: '01020304' as never,
          nwkSKey: hexBytes('01'.repeat(16)),
          appSKey: hexBytes('02'.repeat(16)),
        },
      }),
    );
    bench.network.session = {
      devAddr: hexBytes('01020304'),
      nwkSKey: hexBytes('01'.repeat(16)),
      appSKey: hexBytes('02'.repeat(16)),
    };
    expect(bench.simulator.device('probe').state).toBe('joined');
    expect(() => bench.simulator.join('probe')).toThrow('activated by personalization');
    await sendOne(bench, 'ab');
    expect(bench.network.uplinks).toMatchObject([{ micValid: true, payloadHex: 'ab' }]);
  });
});
