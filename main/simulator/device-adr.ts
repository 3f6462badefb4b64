/** What a device does about data rate and power when no downlink comes. TS001-1.0.4 §4.3.1.1. */
import { lacksDefaults, withDefaultsEnabled } from './device-channels.ts';
import {
  countsJoins,
  type RadioSettings,
  slowestDataRate,
  usableDataRate,
} from './device-radio-settings.ts';

/** The data rate below the present one that the device can send at; undefined at the slowest. */
function nextSlower(settings: RadioSettings): number | undefined {
  const now = usableDataRate(settings, settings.dataRateIndex);
  return now > slowestDataRate(settings) ? usableDataRate(settings, now - 1) : undefined;
}

function withDefaults(settings: RadioSettings): RadioSettings {
  const { region, channels } = settings;
  return { ...settings, nbTrans: 1, channels: withDefaultsEnabled(region, channels) };
}

/**
 * One step of back-off. Since 1.0.4, and in 1.1: full power, then one data rate after another, then all default channels.
 * Before, the documents only speak of data rates; firmware goes to full power with the first, and to the default channels
 * with the last of them.
 */
function backedOff(settings: RadioSettings): RadioSettings {
  const slower = nextSlower(settings);
  if (countsJoins(settings.macVersion)) {
    if (settings.txPowerIndex > 0) return { ...settings, txPowerIndex: 0 };
    return slower === undefined ? withDefaults(settings) : { ...settings, dataRateIndex: slower };
  }
  const louder = { ...settings, txPowerIndex: 0, dataRateIndex: slower ?? settings.dataRateIndex };
  return nextSlower(louder) === undefined ? withDefaults(louder) : louder;
}

/** Settings of the next uplink when `adrAckCount` uplinks went without a downlink. */
export function afterSilence(settings: RadioSettings, adrAckCount: number): RadioSettings {
  const over = adrAckCount - settings.adrAckLimit;
  const isDue = over >= settings.adrAckDelay && over % settings.adrAckDelay === 0;
  return isDue ? backedOff(settings) : settings;
}

/** Whether the next uplink asks for a downlink: not where a device has nothing left to change. */
export function asksForDownlink(settings: RadioSettings, adrAckCount: number): boolean {
  if (adrAckCount < settings.adrAckLimit) return false;
  if (nextSlower(settings) !== undefined) return true;
  return (
    countsJoins(settings.macVersion) &&
    (settings.txPowerIndex > 0 || lacksDefaults(settings.region, settings.channels))
  );
}
