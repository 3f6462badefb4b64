import { systemClock } from '../../main/base/clock.ts';
import { silentLogger } from '../../main/base/logger.ts';
import { createAtModemLink } from '../../main/concentrator/at-modem/at-modem-link.ts';
import { timestampFromMonotonic } from '../../main/concentrator/at-modem/concentrator-time.ts';
import { createLoraE5Emulator } from './lora-e5-emulator.ts';
import { createPty } from './pty.ts';
import { createRecordingSink } from './udp-recording-sink.ts';

export interface TransmitErrorOptions {
  readonly count: number;
  readonly baudRate?: number;
}

/** Distance between the wanted and the real begin of a frame on air; positive means late. */
export interface TransmitError {
  readonly meanMs: number;
  /** 99th percentile of the distance without its sign. */
  readonly p99Ms: number;
}

const TRANSMIT_DELAY_MS = 3;

/** Sends frames at given times over an emulated modem on a pseudo terminal and measures how well they keep to them. */
export async function measureAtModemTransmitError(
  options: TransmitErrorOptions,
): Promise<TransmitError> {
  const { count, baudRate = 115_200 } = options;
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
    const distances = errorsMs.map(Math.abs).sort((a, b) => a - b);
    return {
      meanMs: errorsMs.reduce((sum, error) => sum + error, 0) / Math.max(1, count),
      p99Ms: distances[Math.max(0, Math.ceil(distances.length * 0.99) - 1)] ?? 0,
    };
  } finally {
    await link.stop();
    await pty.close();
  }
}
