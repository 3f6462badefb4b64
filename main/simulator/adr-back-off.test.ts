import { describe, expect, it } from 'vitest';
import { afterSilence, asksForDownlink } from './device-adr.ts';
import { withChannelMask } from './device-channels.ts';
import {
  type DeviceMacVersion,
  initialRadioSettings,
  type RadioSettings,
} from './device-radio-settings.ts';
import { deviceRegion } from './device-region.ts';

/** A device at DR2 with reduced power, two of three default channels and three transmissions. */
function tuned(macVersion: DeviceMacVersion): RadioSettings {
  const region = deviceRegion('EU_863_870', macVersion);
  if (!region) throw new Error('every device knows EU868');
  const settings = initialRadioSettings(region, macVersion, 2);
  const channels = withChannelMask(region, settings.channels, 0, 0b011);
  if (!channels) throw new Error('the mask names default channels');
  return { ...settings, channels, txPowerIndex: 3, nbTrans: 3 };
}

/** Data rate, power, enabled channels and NbTrans of each uplink without a downlink, where they change. */
function life(macVersion: DeviceMacVersion, uplinks: number): readonly string[] {
  let settings = tuned(macVersion);
  let shown = '';
  const changes: string[] = [];
  for (let count = 0; count < uplinks; count += 1) {
    settings = afterSilence(settings, count);
    const { dataRateIndex, nbTrans, txPowerIndex } = settings;
    const channels = settings.channels.filter(({ enabled }) => enabled).length;
    const asks = asksForDownlink(settings, count) ? ' asks' : '';
    const now = `DR${dataRateIndex} power ${txPowerIndex} channels ${channels} NbTrans ${nbTrans}${asks}`;
    if (now !== shown) changes.push(`${count}: ${now}`);
    shown = now;
  }
  return changes;
}

describe('a device that hears nothing', () => {
  it.each(['1.0.4', '1.1'] as const)(
    'goes to full power, then slower, then back to its channels in %s',
    (version) => {
      expect(life(version, 400)).toEqual([
        '0: DR2 power 3 channels 2 NbTrans 3',
        '64: DR2 power 3 channels 2 NbTrans 3 asks',
        '96: DR2 power 0 channels 2 NbTrans 3 asks',
        '128: DR1 power 0 channels 2 NbTrans 3 asks',
        '160: DR0 power 0 channels 2 NbTrans 3 asks',
        '192: DR0 power 0 channels 3 NbTrans 1',
      ]);
    },
  );

  it.each(['1.0.2', '1.0.3'] as const)(
    'goes slower at full power, and asks for nothing at its slowest rate, in %s',
    (version) => {
      expect(life(version, 400)).toEqual([
        '0: DR2 power 3 channels 2 NbTrans 3',
        '64: DR2 power 3 channels 2 NbTrans 3 asks',
        '96: DR1 power 0 channels 2 NbTrans 3 asks',
        '128: DR0 power 0 channels 3 NbTrans 1',
      ]);
    },
  );

  it('does not go below what the dwell time allows', () => {
    const region = deviceRegion('AS_923', '1.1');
    if (!region) throw new Error('every device knows AS923');
    let settings = initialRadioSettings(region, '1.1', 3);
    for (let count = 0; count < 400; count += 1) settings = afterSilence(settings, count);
    expect(settings.dataRateIndex).toBe(2);
    expect(asksForDownlink(settings, 400)).toBe(false);
  });
});
