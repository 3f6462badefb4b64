import type { Clock } from '../base/clock.ts';
import { formatHex } from '../lorawan/index.ts';
import type { DeviceTime, LinkCheck } from './device-mac-commands.ts';
import type { RadioSettings } from './device-radio-settings.ts';
import type { DeviceSession } from './device-session.ts';
import type { DeviceProblem, DeviceSnapshot, PayloadRecord } from './device-snapshot.ts';

const KEPT_PROBLEMS = 10;

/** What a payload record is made of. */
export interface RecordedPayload {
  readonly fCnt: number;
  readonly fPort: number;
  readonly payload: Uint8Array;
  readonly confirmed: boolean;
}

/** What a device remembers about its own life, for its snapshot. */
export class DeviceReport {
  sentCount = 0;
  receivedCount = 0;
  acknowledgedCount = 0;
  lastUplink: PayloadRecord | undefined;
  lastDownlink: PayloadRecord | undefined;
  linkCheck: LinkCheck | undefined;
  deviceTime: DeviceTime | undefined;
  problems: readonly DeviceProblem[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keeps the newest problems. */
  problem(text: string): void {
    this.problems = [...this.problems, { atMs: this.#clock.now(), text }].slice(-KEPT_PROBLEMS);
  }

  uplink(payload: RecordedPayload): void {
    this.lastUplink = this.#record(payload);
  }

  downlink(payload: RecordedPayload): void {
    this.lastDownlink = this.#record(payload);
  }

  fields(): Pick<
    DeviceSnapshot,
    | 'sentCount'
    | 'receivedCount'
    | 'acknowledgedCount'
    | 'lastUplink'
    | 'lastDownlink'
    | 'linkCheck'
    | 'deviceTime'
    | 'problems'
  > {
    const { sentCount, receivedCount, acknowledgedCount, linkCheck, problems } = this;
    const { deviceTime, lastUplink, lastDownlink } = this;
    return {
      sentCount,
      receivedCount,
      acknowledgedCount,
      lastUplink,
      lastDownlink,
      linkCheck,
      deviceTime,
      problems,
    };
  }

  #record(recorded: RecordedPayload): PayloadRecord {
    const { payload, ...rest } = recorded;
    return { ...rest, atMs: this.#clock.now(), payloadHex: formatHex(payload) };
  }
}

/** The part of a snapshot that a session gives. */
export function sessionFields(
  session: DeviceSession | undefined,
): Pick<DeviceSnapshot, 'devAddr' | 'fCntUp' | 'fCntDown' | 'aFCntDown' | 'isConfirmed'> {
  const next = session?.nextFCntUp ?? 0;
  return {
    devAddr: session?.devAddr,
    fCntUp: next > 0 ? next - 1 : undefined,
    fCntDown: session?.lastFCntDown,
    aFCntDown: session?.lastAFCntDown,
    isConfirmed: session !== undefined && session.indication === undefined,
  };
}

/** The part of a snapshot that the radio settings give. */
export function settingsFields(
  settings: RadioSettings,
): Pick<DeviceSnapshot, 'dataRateIndex' | 'txPowerIndex' | 'nbTrans' | 'enabledChannelCount'> {
  const { dataRateIndex, txPowerIndex, nbTrans, channels } = settings;
  const enabledChannelCount = channels.filter((channel) => channel.enabled).length;
  return { dataRateIndex, txPowerIndex, nbTrans, enabledChannelCount };
}
