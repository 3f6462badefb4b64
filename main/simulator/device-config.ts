import type { DevAddr, DevEui, JoinEui } from '../lorawan/index.ts';
import type { Position } from './air.ts';
import type { DeviceMacVersion } from './device-radio-settings.ts';
import { DEVICE_BAND_IDS, type DeviceRegion, deviceRegion } from './device-region.ts';
import type { PayloadKind, PayloadProducer } from './payload-producer.ts';
import { invalidDevice, unsupportedBand } from './simulator-errors.ts';

/** How a device gets its session. Keys are 16 bytes. */
export type DeviceActivation =
  | { readonly kind: 'otaa'; readonly appKey: Uint8Array }
  | {
      readonly kind: 'abp';
      readonly devAddr: DevAddr;
      readonly nwkSKey: Uint8Array;
      readonly appSKey: Uint8Array;
    };

export interface SimulatedDeviceConfig {
  readonly id: string;
  readonly name?: string;
  readonly devEui: DevEui;
  readonly joinEui: JoinEui;
  readonly activation: DeviceActivation;
  /** `EU_863_870` or `US_902_928`. */
  readonly bandId: string;
  /** 1 to 8, for bands with 72 channels; without it all channels are used. */
  readonly subBand?: number;
  readonly macVersion?: DeviceMacVersion;
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
  /** First DevNonce of a device that counts them; without it each one is drawn at random (LoRaWAN 1.0.3). */
  readonly firstDevNonce?: number;
  /** What DevStatusAns says: 0 external power, 1 to 254 level, 255 unknown. Default 254. */
  readonly battery?: number;
}

const KEY_BYTES = 16;
const MAX_F_PORT = 223;

function problemOf(config: SimulatedDeviceConfig, region: DeviceRegion): string | undefined {
  const { activation } = config;
  const keys =
    activation.kind === 'otaa' ? [activation.appKey] : [activation.nwkSKey, activation.appSKey];
  const rate = config.dataRateIndex;
  if (config.id === '') return 'it needs an id.';
  if (keys.some((bytes) => bytes.length !== KEY_BYTES)) return 'every key must have 16 bytes.';
  if (!Number.isInteger(config.fPort) || config.fPort < 1 || config.fPort > MAX_F_PORT)
    return 'FPort must be between 1 and 223.';
  if (!Number.isFinite(config.intervalS) || config.intervalS < 0)
    return 'the interval must be 0 or a positive number of seconds.';
  if (config.subBand !== undefined && !(config.subBand >= 1 && config.subBand <= 8))
    return 'the sub-band must be between 1 and 8.';
  if (rate !== undefined && region.dataRates.get(rate)?.uplink !== true)
    return `the band has no uplink data rate DR${rate}.`;
  return undefined;
}

/** The region of a device; throws `unsupported_band` or `invalid_device` when it cannot be built from the settings. */
export function checkDeviceConfig(config: SimulatedDeviceConfig): DeviceRegion {
  const region = deviceRegion(config.bandId);
  if (!region) throw unsupportedBand({ band_id: config.bandId, supported: DEVICE_BAND_IDS });
  const problem = problemOf(config, region);
  if (problem) throw invalidDevice({ problem });
  return region;
}
