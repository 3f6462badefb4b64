import type { DevAddr, DevEui, JoinEui } from '../lorawan/index.ts';
import type { Position } from './air.ts';
import { faultProblem } from './device-faults.ts';
import type { DeviceClass, DeviceMacVersion } from './device-radio-settings.ts';
import { DEVICE_BAND_IDS, type DeviceRegion, deviceRegion } from './device-region.ts';
import type { DeviceScript } from './device-script.ts';
import type { PayloadKind, PayloadProducer } from './payload-producer.ts';
import { invalidDevice, unsupportedBand } from './simulator-errors.ts';

/** How a device gets its session. Keys are 16 bytes. */
export type DeviceActivation =
  | {
      readonly kind: 'otaa';
      readonly appKey: Uint8Array;
      /** LoRaWAN 1.1 needs it as well. */
      readonly nwkKey?: Uint8Array;
    }
  | {
      readonly kind: 'abp';
      readonly devAddr: DevAddr;
      /** In LoRaWAN 1.1 the FNwkSIntKey. */
      readonly nwkSKey: Uint8Array;
      readonly appSKey: Uint8Array;
      /** LoRaWAN 1.1 needs it as well, like the next one. */
      readonly sNwkSIntKey?: Uint8Array;
      readonly nwkSEncKey?: Uint8Array;
    };

export interface SimulatedDeviceConfig {
  readonly id: string;
  readonly name?: string;
  readonly devEui: DevEui;
  readonly joinEui: JoinEui;
  readonly activation: DeviceActivation;
  /** One of `DEVICE_BAND_IDS`. */
  readonly bandId: string;
  /** From 1, for bands with fixed channels: one of their groups of eight. Without it all channels are used. */
  readonly subBand?: number;
  /** Default 1.0.3. */
  readonly macVersion?: DeviceMacVersion;
  /** Default A. */
  readonly deviceClass?: DeviceClass;
  /** Seconds between uplinks; 0 sends only on demand. */
  readonly intervalS: number;
  /** Share of the interval by which each one varies. Default 0.1. */
  readonly intervalJitter?: number;
  readonly payload: PayloadKind | PayloadProducer;
  readonly fPort: number;
  readonly dataRateIndex?: number;
  /** Share of uplinks that ask for an acknowledgment, 0 to 1. Default 0. */
  readonly confirmedRatio?: number;
  /** Whether the network may choose data rate and power. Default true. */
  readonly adr?: boolean;
  /** Place relative to a gateway at (0, 0); without it a distance between 100 m and 700 m is drawn. */
  readonly position?: Position;
  /** First DevNonce of a device that counts them. Without it 1.0.4 and 1.1 count from 0, older ones draw each at random. */
  readonly firstDevNonce?: number;
  /** What it sends at its interval, mistakes included; without it what `payload` makes. */
  readonly script?: DeviceScript;
  /** What DevStatusAns says: 0 external power, 1 to 254 level, 255 unknown. Default 254. */
  readonly battery?: number;
}

const KEY_BYTES = 16;
const MAX_F_PORT = 223;

const isFPort = (fPort: number): boolean =>
  Number.isInteger(fPort) && fPort >= 1 && fPort <= MAX_F_PORT;

function keysOf(activation: DeviceActivation): readonly Uint8Array[] {
  const keys =
    activation.kind === 'otaa'
      ? [activation.appKey, activation.nwkKey]
      : [activation.nwkSKey, activation.appSKey, activation.sNwkSIntKey, activation.nwkSEncKey];
  return keys.filter((key) => key !== undefined);
}

/** What LoRaWAN 1.1 needs beyond the keys of 1.0.x. */
function missingKey({ activation, macVersion }: SimulatedDeviceConfig): string | undefined {
  if (macVersion !== '1.1') return undefined;
  if (activation.kind === 'otaa')
    return activation.nwkKey ? undefined : 'LoRaWAN 1.1 needs a NwkKey.';
  return activation.sNwkSIntKey && activation.nwkSEncKey
    ? undefined
    : 'LoRaWAN 1.1 needs a SNwkSIntKey and a NwkSEncKey.';
}

function scriptProblem({ script }: SimulatedDeviceConfig): string | undefined {
  for (const { fault, fPort, uplinks } of script?.steps ?? []) {
    if (uplinks !== undefined && !(Number.isInteger(uplinks) && uplinks >= 1))
      return 'a step of a script is for one uplink or more.';
    if (fPort !== undefined && !isFPort(fPort)) return 'FPort must be between 1 and 223.';
    const problem = fault && faultProblem(fault);
    if (problem) return problem;
  }
  return undefined;
}

function problemOf(config: SimulatedDeviceConfig, region: DeviceRegion): string | undefined {
  const keys = keysOf(config.activation);
  const missing = missingKey(config);
  const rate = config.dataRateIndex;
  if (config.id === '') return 'it needs an id.';
  if (missing) return missing;
  if (keys.some((bytes) => bytes.length !== KEY_BYTES)) return 'every key must have 16 bytes.';
  if (!isFPort(config.fPort)) return 'FPort must be between 1 and 223.';
  if (!Number.isFinite(config.intervalS) || config.intervalS < 0)
    return 'the interval must be 0 or a positive number of seconds.';
  // Bands without sub-bands have no use for the number.
  const { subBandCount } = region;
  if (config.subBand !== undefined && subBandCount > 0)
    if (!(config.subBand >= 1 && config.subBand <= subBandCount))
      return `the sub-band must be between 1 and ${subBandCount}.`;
  const scripted = scriptProblem(config);
  if (scripted) return scripted;
  if (rate !== undefined && region.dataRates.get(rate)?.uplink !== true)
    return `the band has no uplink data rate DR${rate}.`;
  return undefined;
}

/** The region of a device; throws `unsupported_band` or `invalid_device` when it cannot be built from the settings. */
export function checkDeviceConfig(config: SimulatedDeviceConfig): DeviceRegion {
  const region = deviceRegion(config.bandId, config.macVersion);
  if (!region) throw unsupportedBand({ band_id: config.bandId, supported: DEVICE_BAND_IDS });
  const problem = problemOf(config, region);
  if (problem) throw invalidDevice({ problem });
  return region;
}
