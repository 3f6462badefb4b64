import { describe, expect, it } from 'vitest';
import { type Bench, euRx1, joinedBench, sendOne } from './testing/bench.ts';
import { hexBytes, lora } from './testing/lora-packet-network.ts';

/** Sends commands in FOpts of the next downlink and returns FOpts of the uplink after it. */
async function exchange(bench: Bench, fOptsHex: string): Promise<string> {
  bench.network.onUplink = ({ reception }) => {
    bench.network.onUplink = undefined;
    bench.network.send(reception, euRx1(reception), { fOptsHex });
  };
  await sendOne(bench);
  await sendOne(bench);
  return bench.network.uplinks.at(-1)?.fOptsHex ?? '';
}

const linkAdr = (rate: number, power: number, maskHexLsb: string, redundancy: string): string =>
  `03${((rate << 4) | power).toString(16).padStart(2, '0')}${maskHexLsb}${redundancy}`;

describe('answers to MAC commands', () => {
  it('applies LinkADRReq and uses the new data rate, power and channels', async () => {
    const bench = await joinedBench();
    expect(await exchange(bench, linkAdr(3, 2, '0200', '01'))).toBe('0307');
    expect(bench.simulator.device('probe')).toMatchObject({
      dataRateIndex: 3,
      txPowerIndex: 2,
      nbTrans: 1,
      enabledChannelCount: 1,
    });
    expect(bench.network.uplinks.at(-1)?.reception).toMatchObject({
      modulation: lora(9),
      frequencyHz: 868_300_000,
    });
  });

  it.each([
    ['an undefined channel', linkAdr(5, 0, '0f00', '01'), '0306'],
    ['no channel at all', linkAdr(5, 0, '0000', '01'), '0306'],
    ['a data rate the channels do not allow', linkAdr(6, 0, '0700', '01'), '0305'],
    ['a power index the band does not have', linkAdr(5, 8, '0700', '01'), '0303'],
    ['15 for both, which 1.0.3 does not know', linkAdr(15, 15, '0700', '01'), '0301'],
    ['a reserved mask control', linkAdr(5, 0, '0700', '21'), '0306'],
  ])('refuses LinkADRReq with %s and changes nothing', async (_, command, expected) => {
    const bench = await joinedBench();
    expect(await exchange(bench, command)).toBe(expected);
    expect(bench.simulator.device('probe')).toMatchObject({
      dataRateIndex: 5,
      txPowerIndex: 0,
      enabledChannelCount: 3,
    });
  });

  it('keeps rate and power on 15 from 1.0.4 on', async () => {
    const bench = await joinedBench({ macVersion: '1.0.4', dataRateIndex: 4 });
    expect(await exchange(bench, linkAdr(15, 15, '0300', '00'))).toBe('0307');
    expect(bench.simulator.device('probe')).toMatchObject({
      dataRateIndex: 4,
      txPowerIndex: 0,
      enabledChannelCount: 2,
    });
  });

  it('repeats one status for each request of a block', async () => {
    const bench = await joinedBench();
    const block = linkAdr(5, 1, '0100', '01') + linkAdr(5, 1, '0600', '01');
    expect(await exchange(bench, block)).toBe('03070307');
    expect(bench.simulator.device('probe')).toMatchObject({ enabledChannelCount: 2 });
  });

  it('repeats unconfirmed uplinks NbTrans times until a downlink comes', async () => {
    const bench = await joinedBench();
    await exchange(bench, linkAdr(5, 0, '0700', '03'));
    const before = bench.network.uplinks.length;
    await sendOne(bench, '77');
    const repeated = bench.network.uplinks.slice(before);
    expect(repeated.map(({ payloadHex }) => payloadHex)).toEqual(['77', '77', '77']);
    bench.network.onUplink = ({ reception }) => {
      bench.network.onUplink = undefined;
      bench.network.send(reception, euRx1(reception), { fPort: 1, payloadHex: '01' });
    };
    await sendOne(bench, '78');
    expect(bench.network.uplinks.slice(before + 3)).toHaveLength(1);
  });

  it('answers DevStatusReq with battery and the margin of the request', async () => {
    const bench = await joinedBench({ battery: 0xb6 });
    expect(await exchange(bench, '06')).toMatch(/^06b60e$/);
  });

  it('applies RXParamSetupReq and repeats its answer until a downlink comes', async () => {
    const bench = await joinedBench();
    expect(await exchange(bench, '0513d2ad84')).toBe('0507');
    await sendOne(bench);
    expect(bench.network.uplinks.at(-1)?.fOptsHex).toBe('0507');
    bench.network.onUplink = ({ reception }) => {
      bench.network.onUplink = undefined;
      bench.network.send(
        reception,
        { delayUs: 2e6, frequencyHz: 869_525_000, modulation: lora(9) },
        { fPort: 1, payloadHex: '01' },
      );
    };
    await sendOne(bench);
    expect(bench.downlinks).toMatchObject([{ window: 'RX2' }]);
    await sendOne(bench);
    expect(bench.network.uplinks.at(-1)?.fOptsHex).toBe('');
  });

  it.each([
    ['a frequency outside the band', '0513000080', '0506'],
    ['a data rate the band does not have', '051fd2ad84', '0505'],
    ['an offset the band does not have', '0563d2ad84', '0503'],
  ])('refuses RXParamSetupReq with %s', async (_, command, expected) => {
    expect(await exchange(await joinedBench(), command)).toBe(expected);
  });

  it('moves its windows on RXTimingSetupReq', async () => {
    const bench = await joinedBench();
    expect(await exchange(bench, '0803')).toBe('08');
    bench.network.onUplink = ({ reception }) =>
      bench.network.send(reception, euRx1(reception, 3), { fPort: 1, payloadHex: '01' });
    await sendOne(bench);
    expect(bench.downlinks).toHaveLength(1);
  });

  it('stays silent longer after DutyCycleReq', async () => {
    const bench = await joinedBench({ dataRateIndex: 0 });
    expect(await exchange(bench, '0405')).toBe('04');
    const before = bench.network.uplinks.length;
    for (let count = 0; count < 2; count += 1)
      bench.simulator.sendUplink('probe', { fPort: 1, payload: Uint8Array.of(1) });
    await bench.clock.advance(30_000);
    expect(bench.network.uplinks.length - before).toBe(1);
    await bench.clock.advance(40_000);
    expect(bench.network.uplinks.length - before).toBe(2);
  });

  it('adds and removes channels on NewChannelReq and guards the default ones', async () => {
    const bench = await joinedBench();
    expect(await exchange(bench, '0703184f8450')).toBe('0703');
    expect(bench.simulator.device('probe').enabledChannelCount).toBe(4);
    expect(await exchange(bench, '070300000050')).toBe('0703');
    expect(bench.simulator.device('probe').enabledChannelCount).toBe(3);
    expect(await exchange(bench, '0700184f8450')).toBe('0700');
    expect(await exchange(bench, '0703184f8405')).toBe('0701');
    expect(await exchange(bench, '070300008050')).toBe('0702');
  });

  it('listens on another RX1 frequency after DlChannelReq', async () => {
    const bench = await joinedBench();
    expect(await exchange(bench, `${linkAdr(5, 0, '0100', '01')}0a00184f84`)).toBe('03070a03');
    bench.network.onUplink = ({ reception }) =>
      bench.network.send(
        reception,
        { ...euRx1(reception), frequencyHz: 867_100_000 },
        { fPort: 1, payloadHex: '01' },
      );
    await sendOne(bench);
    expect(bench.downlinks).toHaveLength(1);
  });

  it.each([
    ['a channel that is not defined', '0a09184f84', '0a01'],
    ['a frequency outside the band', '0a00000080', '0a02'],
  ])('refuses DlChannelReq with %s', async (_, command, expected) => {
    expect(await exchange(await joinedBench(), command)).toBe(expected);
  });

  it('does not answer TXParamSetupReq, which the band does not use', async () => {
    expect(await exchange(await joinedBench(), '0935')).toBe('');
  });

  it.each([
    ['NewChannelReq', '0708184f8450'],
    ['DlChannelReq', '0a08184f84'],
  ])('does not answer %s in a band with fixed channels', async (_, command) => {
    const bench = await joinedBench(
      { bandId: 'US_902_928', subBand: 2 },
      {
        placement: ({ frequencyHz }) => ({
          delayUs: 5e6,
          frequencyHz: 923_300_000 + (((frequencyHz - 902_300_000) / 200_000) % 8) * 600_000,
          modulation: lora(10, 500_000),
        }),
        dlSettings: 0x08,
      },
    );
    bench.network.onUplink = ({ reception }) => {
      bench.network.onUplink = undefined;
      const rx2 = { delayUs: 2e6, frequencyHz: 923_300_000, modulation: lora(12, 500_000) };
      bench.network.send(reception, rx2, { fOptsHex: `${command}06` });
    };
    await sendOne(bench);
    await sendOne(bench);
    expect(bench.network.uplinks.at(-1)?.fOptsHex).toMatch(/^06fe/);
    expect(bench.simulator.device('probe').problems).toEqual([]);
  });

  it('handles what comes before an unknown command and names that', async () => {
    const bench = await joinedBench();
    expect(await exchange(bench, '040080ff')).toBe('04');
    expect(bench.simulator.device('probe').problems.at(-1)?.text).toContain('0x80');
  });

  it('reads commands from FPort 0 as well', async () => {
    const bench = await joinedBench();
    bench.network.onUplink = ({ reception }) => {
      bench.network.onUplink = undefined;
      bench.network.send(reception, euRx1(reception), { fPort: 0, payloadHex: '0400' });
    };
    await sendOne(bench);
    await sendOne(bench);
    expect(bench.network.uplinks.at(-1)?.fOptsHex).toBe('04');
    expect(bench.downlinks).toEqual([]);
  });

  it('asks for a link check and keeps the answer', async () => {
    const bench = await joinedBench();
    bench.simulator.requestLinkCheck('probe');
    bench.network.onUplink = ({ reception }) =>
      bench.network.send(reception, euRx1(reception), { fOptsHex: '021402' });
    await sendOne(bench);
    expect(bench.network.uplinks.at(-1)?.fOptsHex).toBe('02');
    expect(bench.simulator.device('probe').linkCheck).toEqual({ marginDb: 20, gatewayCount: 2 });
  });

  it('sends answers first and the payload afterwards when both do not fit', async () => {
    const bench = await joinedBench({ dataRateIndex: 0 });
    const placement = (reception: Parameters<typeof euRx1>[0]) => euRx1(reception);
    bench.network.onUplink = ({ reception }) => {
      bench.network.onUplink = undefined;
      bench.network.send(reception, placement(reception), { fOptsHex: '06' });
    };
    await sendOne(bench);
    const before = bench.network.uplinks.length;
    bench.simulator.sendUplink('probe', { fPort: 1, payload: hexBytes('aa'.repeat(51)) });
    await bench.clock.advance(20_000);
    expect(bench.network.uplinks.slice(before)).toMatchObject([
      { fOptsHex: expect.stringMatching(/^06/), payloadHex: '' },
      { fOptsHex: '', payloadHex: 'aa'.repeat(51) },
    ]);
  });
});
