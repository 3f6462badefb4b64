import { chooseChannel } from './device-channels.ts';
import type { Exchange, WindowPlan } from './device-radio.ts';
import { eirpDbm, type RadioSettings } from './device-radio-settings.ts';
import type { Random } from './seeded-random.ts';

/** Delays of the two windows after the end of an uplink, in seconds. */
export type WindowDelaysS = readonly [rx1: number, rx2: number];

export type ExchangePlan = Pick<
  Exchange,
  'frequencyHz' | 'modulation' | 'eirpDbm' | 'rx1' | 'rx2'
> & {
  readonly channelIndex: number;
};

/** Where RX2 is, and where a device of class C listens all the time. */
export function rx2Of(settings: RadioSettings): Omit<WindowPlan, 'delayS'> | undefined {
  const rate = settings.region.dataRates.get(settings.rx2DataRateIndex);
  return rate && { frequencyHz: settings.rx2FrequencyHz, modulation: rate.modulation };
}

/** Chooses a channel and works out both windows; undefined when no enabled channel allows the data rate. */
export function planExchange(
  settings: RadioSettings,
  dataRateIndex: number,
  [rx1DelayS, rx2DelayS]: WindowDelaysS,
  random: Random,
): ExchangePlan | undefined {
  const { region } = settings;
  const channel = chooseChannel(settings.channels, dataRateIndex, random);
  const uplink = region.dataRates.get(dataRateIndex);
  const rx1 = region.dataRates.get(
    region.rx1DataRateIndex(dataRateIndex, settings.rx1DataRateOffset, settings.downlinkDwellTime),
  );
  const rx2 = rx2Of(settings);
  if (!channel || !uplink || !rx1 || !rx2) return undefined;
  return {
    channelIndex: channel.index,
    frequencyHz: channel.frequencyHz,
    modulation: uplink.modulation,
    eirpDbm: eirpDbm(settings),
    rx1: {
      delayS: rx1DelayS,
      frequencyHz: channel.downlinkFrequencyHz,
      modulation: rx1.modulation,
    },
    rx2: { delayS: rx2DelayS, ...rx2 },
  };
}
