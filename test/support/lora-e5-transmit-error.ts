import { systemClock } from '../../main/base/clock.ts';
import { silentLogger } from '../../main/base/logger.ts';
import { createAtModemLink } from '../../main/concentrator/at-modem/at-modem-link.ts';
import { timestampFromMonotonic } from '../../main/concentrator/at-modem/concentrator-time.ts';
import { createLoraE5Emulator } from './lora-e5-emulator.ts';
import { createPty } from './pty.ts';
import { createRecordingSink } from './udp-recording-sink.ts';

export interface TransmitErrorOptions {
  /** Frames to send, 60 unless given: about 10 s. */
  readonly count?: number;
  /** Speed of the emulated UART, 115200 unless given. */
  readonly baudRate?: number;
}

/**
 * Distance in milliseconds between the wanted and the real begin of frames on air. The percentiles and the maximum are of
 * the distance without its sign.
 */
export interface TransmitError {
  /** Frames measured. */
  readonly count: number;
  /** With its sign; positive means late. */
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

const TRANSMIT_DELAY_MS = 3;
const DEFAULT_COUNT = 60;

/** The value that `share` of the sorted values do not exceed (nearest rank). */
function nearestRank(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

function summary(errorsMs: readonly number[]): TransmitError {
  const distances = errorsMs.map(Math.abs).sort((a, b) => a - b);
  return {
    count: errorsMs.length,
    meanMs: errorsMs.reduce((sum, error) => sum + error, 0) / Math.max(1, errorsMs.length),
    p50Ms: nearestRank(distances, 0.5),
    p95Ms: nearestRank(distances, 0.95),
    maxMs: nearestRank(distances, 1),
  };
}

/**
 * Sends frames at given times over the real driver, the real serial library and a pseudo terminal to an emulated modem,
 * and measures how well they keep to their times. Ask `ptyUnavailable` first whether this machine can; rejects when the modem
 * takes no frame. Whatever it started has ended when it settles.
 */
export async function measureAtModemTransmitError(
  options: TransmitErrorOptions = {},
): Promise<TransmitError> {
  const { count = DEFAULT_COUNT, baudRate = 115_200 } = options;
  const pty = await createPty();
  const modem = createLoraE5Emulator(pty, { baudRate, transmitDelayMs: TRANSMIT_DELAY_MS });
  const clock = systemClock();
  const link = createAtModemLink({
    id: 'modem',
    path: pty.path,
    baudRate,
    gatewayEui: '0000000000000E55',
    channel: {
      frequencyHz: 868_100_000,
      modulation: { spreadingFactor: 9, bandwidthHz: 125_000 },
    },
    transmitOffsetMs: TRANSMIT_DELAY_MS,
    clock,
    logger: silentLogger(),
  });
  const sink = createRecordingSink();
  try {
    await link.start(sink);
    const errorsMs: number[] = [];
    for (let sent = 0; sent < count; sent += 1) {
      const wantedMs = clock.monotonic() + link.capabilities.leadTimeMs + 20;
      const acknowledgment = await link.transmit({
        gatewayEui: '0000000000000E55',
        phyPayload: new Uint8Array(20).fill(sent),
        frequencyHz: 868_100_000,
        modulation: { kind: 'lora', spreadingFactor: 9, bandwidthHz: 125_000, codingRate: '4/5' },
        eirpDbm: 14,
        antennaIndex: 0,
        invertPolarization: true,
        payloadCrc: false,
        time: { kind: 'timestamp', concentratorTimestampUs: timestampFromMonotonic(wantedMs) },
      });
      const transmission = modem.transmissions.at(-1);
      if (acknowledgment.result !== 'success' || !transmission) {
        throw new Error(`Transmission ${sent + 1} failed: ${acknowledgment.detail}`);
      }
      errorsMs.push(transmission.startedAtMs - wantedMs);
    }
    return summary(errorsMs);
  } finally {
    await link.stop();
    await pty.close();
  }
}
