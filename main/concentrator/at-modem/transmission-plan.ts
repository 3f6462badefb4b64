import { outputPowerDbm, type TxAcknowledgment, type TxRequest } from '../../base/gateway-link.ts';
import { monotonicFromTimestamp } from './concentrator-time.ts';
import { type E5Transmission, preparationMs, transmitLineMs } from './e5-driver.ts';
import { E5_LIMITS } from './lora-e5.ts';

/** Preparation begins that much earlier than it must, so that it never makes a frame late. */
export const SPARE_MS = 60;

export type TransmissionPlan =
  | { readonly refusal: TxAcknowledgment }
  | {
      readonly refusal?: never;
      readonly transmission: E5Transmission;
      /** Monotonic time at which reception has to be interrupted. */
      readonly prepareAtMs: number;
    };

export interface PlanContext {
  readonly baudRate: number;
  readonly transmitOffsetMs: number;
  readonly nowMs: number;
}

/** Why a modem cannot send a frame at all. */
function unsuitable(request: TxRequest): string | undefined {
  const { modulation, phyPayload } = request;
  if (modulation.kind !== 'lora') return `a LoRa-E5 does not transmit ${modulation.kind}`;
  if (!E5_LIMITS.spreadingFactors.some((factor) => factor === modulation.spreadingFactor)) {
    return `a LoRa-E5 does not transmit SF${modulation.spreadingFactor}`;
  }
  if (!E5_LIMITS.bandwidthsHz.some((bandwidth) => bandwidth === modulation.bandwidthHz)) {
    return `a LoRa-E5 does not transmit with ${modulation.bandwidthHz / 1000} kHz`;
  }
  if (phyPayload.length === 0 || phyPayload.length > E5_LIMITS.longestFrame) {
    return `a LoRa-E5 does not transmit frames of ${phyPayload.length} bytes`;
  }
  return undefined;
}

/** When to write which line so that a frame starts when it should; or why that cannot be. */
export function planTransmission(request: TxRequest, context: PlanContext): TransmissionPlan {
  const detail = unsuitable(request);
  const { modulation, time } = request;
  if (detail !== undefined || modulation.kind !== 'lora') {
    return { refusal: { result: 'unknown', ...(detail === undefined ? {} : { detail }) } };
  }
  if (time.kind === 'gps') {
    return { refusal: { result: 'gps_unlocked', detail: 'a modem has no GPS time' } };
  }
  const { baudRate, transmitOffsetMs, nowMs } = context;
  const readyAtMs = nowMs + preparationMs(baudRate);
  let writeAtMs = readyAtMs;
  if (time.kind === 'timestamp') {
    const startMs = monotonicFromTimestamp(time.concentratorTimestampUs, nowMs);
    writeAtMs = startMs - transmitLineMs(request.phyPayload.length, baudRate) - transmitOffsetMs;
    if (writeAtMs < readyAtMs) {
      const lateMs = Math.ceil(readyAtMs - writeAtMs);
      const late = `the request came ${lateMs} ms too late for a modem at ${baudRate} baud`;
      return { refusal: { result: 'too_late', detail: late } };
    }
  }
  const powerDbm = Math.max(
    E5_LIMITS.minPowerDbm,
    Math.min(E5_LIMITS.maxPowerDbm, Math.trunc(outputPowerDbm(request))),
  );
  return {
    transmission: {
      phyPayload: request.phyPayload,
      radio: {
        frequencyHz: Math.round(request.frequencyHz),
        spreadingFactor: modulation.spreadingFactor,
        bandwidthHz: modulation.bandwidthHz,
        powerDbm,
        payloadCrc: request.payloadCrc,
        invertPolarization: request.invertPolarization,
      },
      writeAtMs,
    },
    prepareAtMs: writeAtMs - preparationMs(baudRate) - SPARE_MS,
  };
}
