import { describe, expect, it } from 'vitest';
import { type DevAddr, parseDevAddr } from '../lorawan/index.ts';
import type { SimulatedDeviceConfig } from './device-config.ts';
import type { DeviceMemory } from './device-memory.ts';
import { type Bench, createBench, deviceConfig, euRx1, joinedBench } from './testing/bench.ts';
import { hexBytes } from './testing/lora-packet-network.ts';

/** Takes the device's power away and gives it back; what it kept went through JSON, as in a store. */
function loseThePower({ simulator }: Bench): DeviceMemory {
  const { config } = simulator.device('probe');
  const memory = JSON.parse(JSON.stringify(simulator.memoryOf('probe'))) as DeviceMemory;
  simulator.removeDevice('probe');
  simulator.addDevice(config, memory);
  return memory;
}

async function send(bench: Bench): Promise<void> {
  bench.simulator.sendUplink('probe', { fPort: 2, payload: Uint8Array.of(1) });
  await bench.clock.advance(20_000);
}

/** A bench whose device is personalized. */
async function abpBench(changes: Partial<SimulatedDeviceConfig> = {}): Promise<Bench> {
  const keys = { nwkSKey: hexBytes('11'.repeat(16)), appSKey: hexBytes('22'.repeat(16)) };
  const devAddr = parseDevAddr('26011BDA') as DevAddr;
  const bench = await createBench(
    deviceConfig({ activation: { kind: 'abp', devAddr, ...keys }, ...changes }),
  );
  bench.network.session = { devAddr: hexBytes('26011BDA'), ...keys };
  return bench;
}

describe('a device that lost its power', () => {
  it('goes on with session, counters and windows', async () => {
    const bench = await joinedBench({}, { rxDelay: 3, cfListHex: `184F84${'00'.repeat(13)}` });
    const { clock, downlinks, network, simulator } = bench;
    const last = () => network.uplinks.at(-1)?.reception as never;
    network.onUplink = ({ reception }) =>
      network.send(reception, euRx1(reception, 3), { fPort: 5, payloadHex: 'aa' });
    await send(bench);
    await send(bench);
    const before = simulator.device('probe');
    const memory = loseThePower(bench);
    expect(JSON.stringify(memory)).not.toMatch(/[0-9a-f]{32}/i);
    expect(simulator.device('probe')).toMatchObject({
      state: 'joined',
      devAddr: before.devAddr,
      fCntUp: 1,
      fCntDown: 1,
      enabledChannelCount: 4,
      lastDevNonce: before.lastDevNonce,
    });
    await send(bench);
    // lora-packet checks the MIC with the keys of the join, over the counter that goes on.
    expect(network.uplinks.map(({ fCnt, micValid }) => [fCnt, micValid])).toEqual([
      [0, true],
      [1, true],
      [2, true],
    ]);
    expect(downlinks.map(({ fCnt, window }) => [fCnt, window])).toEqual([
      [0, 'RX1'],
      [1, 'RX1'],
      [2, 'RX1'],
    ]);
    network.onUplink = undefined;
    simulator.sendUplink('probe', { fPort: 2, payload: Uint8Array.of(1) });
    await clock.advance(2_000);
    network.send(last(), euRx1(last(), 3), { fCnt: 1, fPort: 5, payloadHex: 'bb' });
    await clock.advance(10_000);
    expect(downlinks).toHaveLength(3);
  });

  it('goes on from what an earlier version of the program kept', async () => {
    const bench = await joinedBench({}, { rxDelay: 3 });
    await send(bench);
    const { config } = bench.simulator.device('probe');
    const { session, ...rest } = bench.simulator.memoryOf('probe');
    if (!session) throw new Error('a joined device keeps its session');
    const { adrAckCount, channels, devAddr, join, nextFCntUp, settings } = session;
    const { dataRateIndex, nbTrans, rx1DataRateOffset, rx1DelayS, rx2DataRateIndex } = settings;
    const { maxDutyCycleExponent, rx2FrequencyHz, txPowerIndex } = settings;
    const old = {
      ...rest,
      session: {
        adrAckCount,
        channels,
        devAddr,
        join,
        nextFCntUp,
        settings: {
          dataRateIndex,
          maxDutyCycleExponent,
          nbTrans,
          rx1DataRateOffset,
          rx1DelayS,
          rx2DataRateIndex,
          rx2FrequencyHz,
          txPowerIndex,
        },
      },
    };
    bench.simulator.removeDevice('probe');
    bench.simulator.addDevice(config, old as DeviceMemory);
    await send(bench);
    expect(bench.network.uplinks.map(({ fCnt, micValid }) => [fCnt, micValid])).toEqual([
      [0, true],
      [1, true],
    ]);
    expect(bench.simulator.device('probe').problems).toEqual([]);
  });

  it('takes no DevNonce twice', async () => {
    const bench = await joinedBench({ firstDevNonce: 7 });
    loseThePower(bench);
    bench.simulator.join('probe');
    await bench.clock.advance(20_000);
    expect(bench.network.joinRequests.map(({ devNonceHex }) => devNonceHex)).toEqual([
      '0007',
      '0008',
    ]);
    expect(bench.simulator.device('probe').state).toBe('joined');
  });

  it('goes on counting when its session is one of personalization', async () => {
    const bench = await abpBench();
    await send(bench);
    await send(bench);
    loseThePower(bench);
    await send(bench);
    expect(bench.network.uplinks.map(({ fCnt, micValid }) => [fCnt, micValid])).toEqual([
      [0, true],
      [1, true],
      [2, true],
    ]);
  });

  it('keeps which channels of a band that fixes them it may use', async () => {
    const bench = await abpBench({ bandId: 'US_902_928', subBand: 2 });
    const enabled = (): number => bench.simulator.device('probe').enabledChannelCount;
    expect(enabled()).toBe(9);
    loseThePower(bench);
    expect(enabled()).toBe(9);
    await send(bench);
    // Channels 8 to 15 of the second sub-band, or the wide channel 65.
    const frequencyHz = bench.network.uplinks[0]?.reception.frequencyHz ?? 0;
    const isNarrow = frequencyHz >= 903_900_000 && frequencyHz <= 905_300_000;
    expect(isNarrow || frequencyHz === 904_600_000).toBe(true);
  });
});
