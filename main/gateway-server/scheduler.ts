import { type CauseCode, type EvidenceData, fact } from '../base/causes.ts';
import type { Clock } from '../base/clock.ts';
import type { TxAcknowledgment, TxRequest } from '../base/gateway-link.ts';
import type {
  DownlinkRequest,
  DownlinkScheduler,
  ReceivedUplink,
  ScheduledDownlink,
  ScheduleRefusal,
  WindowSettings,
} from '../base/seams.ts';
import { frequencyPlan, latestBand, subBandOf, timeOnAirUs } from '../lorawan/index.ts';
import { type Connection, leadTimeMs } from './connection.ts';
import type { Emission, SubBandLimit } from './emission-plan.ts';

export interface SchedulerOptions {
  readonly clock: Clock;
  /** The gateway that heard it, as far as it is connected. */
  connectionOf(path: ReceivedUplink): Connection | undefined;
  /** A frame goes to its gateway now. */
  onSend(connection: Connection, request: TxRequest): void;
  onAcknowledged(connection: Connection, acknowledgment: TxAcknowledgment): void;
}

const COUNTER_RANGE = 2 ** 32;
/** Without any path that can transmit, only so much is worth waiting for. */
const DEFAULT_LEAD_MS = 100;
const NO_LIMIT: SubBandLimit = {
  minFrequencyHz: 0,
  maxFrequencyHz: Number.MAX_SAFE_INTEGER,
  dutyCycle: 1,
};

interface Attempt {
  readonly request: DownlinkRequest;
  readonly path: ReceivedUplink;
  readonly connection: Connection;
  readonly window: WindowSettings;
}

interface Refused {
  readonly cause: CauseCode;
  readonly evidence: readonly EvidenceData[];
}

function refused(cause: CauseCode, ...evidence: EvidenceData[]): Refused {
  return { cause, evidence };
}

function evidenceRecord(
  evidence: readonly EvidenceData[],
): Readonly<Record<string, string | number | boolean>> {
  return Object.fromEntries(
    evidence.flatMap(({ name, value }) => (value.case === 'data' ? [] : [[name, value.value]])),
  );
}

/** Power at the antenna: what band, frequency plan and link allow, in that order. */
function eirpOf({ request, connection, window }: Attempt): number | Refused {
  const regional = latestBand(request.bandId);
  const plan = frequencyPlan(request.frequencyPlanId);
  const subBand = regional && subBandOf(regional, window.frequencyHz);
  const { minEirpDbm, maxEirpDbm } = connection.link.capabilities;
  const legalDbm = Math.min(
    subBand?.maxEirpDbm ?? regional?.defaultMaxEirpDbm ?? Number.POSITIVE_INFINITY,
    plan?.maxEirpDbm ?? Number.POSITIVE_INFINITY,
  );
  const eirpDbm = Math.min(legalDbm, maxEirpDbm ?? Number.POSITIVE_INFINITY);
  if (!Number.isFinite(eirpDbm)) return refused('tx_power');
  if (minEirpDbm !== undefined && minEirpDbm > eirpDbm)
    return refused(
      'tx_power',
      fact('min_eirp', minEirpDbm, 'dBm'),
      fact('max_eirp', eirpDbm, 'dBm'),
    );
  return eirpDbm;
}

function subBandLimit({ request, window }: Attempt): SubBandLimit | Refused {
  const regional = latestBand(request.bandId);
  if (!regional) return NO_LIMIT;
  const found = subBandOf(regional, window.frequencyHz);
  if (found) return found;
  if (regional.subBands.length === 0) return NO_LIMIT;
  return refused('tx_freq', fact('frequency', window.frequencyHz, 'Hz'));
}

function dwellTimeProblem({ request }: Attempt, airtimeUs: number): Refused | undefined {
  const limit = frequencyPlan(request.frequencyPlanId)?.dwellTime;
  if (!limit?.downlinks || airtimeUs <= limit.durationMs * 1000) return undefined;
  return refused(
    'dwell_time',
    fact('time_on_air', airtimeUs / 1000, 'ms'),
    fact('max_time_on_air', limit.durationMs, 'ms'),
  );
}

/** The gateway takes the frame, or why it does not. Nothing is kept yet. */
function planAttempt(
  attempt: Attempt,
  nowMs: number,
): Refused | { readonly emission: Emission; readonly eirpDbm: number; readonly marginMs: number } {
  const { request, path, connection, window } = attempt;
  if (!connection.connected || !connection.details.downlinkReady)
    return refused('no_downlink_path');
  const { length } = request.phyPayload;
  if (length > window.maxPhyPayloadBytes)
    return refused('too_long', fact('bytes', length), fact('max_bytes', window.maxPhyPayloadBytes));
  const startMonotonicMs = path.receivedMonotonicMs + window.delayMs;
  const marginMs = startMonotonicMs - nowMs;
  const neededMs = leadTimeMs(connection, length);
  if (marginMs < neededMs)
    return refused('too_late', fact('margin', marginMs, 'ms'), fact('lead_time', neededMs, 'ms'));
  const durationUs = timeOnAirUs(window.modulation, length);
  const dwell = dwellTimeProblem(attempt, durationUs);
  if (dwell) return dwell;
  const eirpDbm = eirpOf(attempt);
  if (typeof eirpDbm !== 'number') return eirpDbm;
  const subBand = subBandLimit(attempt);
  if ('cause' in subBand) return subBand;
  const startTimestampUs =
    (path.uplink.concentratorTimestampUs + window.delayMs * 1000) % COUNTER_RANGE;
  const emission = { startTimestampUs, startMonotonicMs, durationUs, subBand };
  const problem = connection.emissions.check(emission, request.priority);
  return problem ?? { emission, eirpDbm, marginMs };
}

/** Finds gateway and window for class A downlinks, and hands them over. */
export function createScheduler(options: SchedulerOptions): DownlinkScheduler {
  const { clock, connectionOf } = options;

  const send = (
    { request, connection, window }: Attempt,
    emission: Emission,
    eirpDbm: number,
  ): ScheduledDownlink['acknowledged'] => {
    const txRequest: TxRequest = {
      gatewayEui: connection.eui,
      phyPayload: request.phyPayload,
      frequencyHz: window.frequencyHz,
      modulation: window.modulation,
      eirpDbm,
      antennaIndex: 0,
      invertPolarization: window.modulation.kind === 'lora',
      payloadCrc: false,
      time: { kind: 'timestamp', concentratorTimestampUs: emission.startTimestampUs },
    };
    options.onSend(connection, txRequest);
    return connection.link.transmit(txRequest).then(
      (acknowledgment) => {
        if (acknowledgment.result !== 'success' && acknowledgment.result !== 'no_acknowledgment')
          connection.emissions.remove(emission);
        options.onAcknowledged(connection, acknowledgment);
        return acknowledgment;
      },
      () => ({ result: 'unknown' as const, detail: 'The link failed.' }),
    );
  };

  const attemptOne = (attempt: Attempt): ScheduledDownlink | Refused => {
    const planned = planAttempt(attempt, clock.monotonic());
    if ('cause' in planned) return planned;
    const { connection, window } = attempt;
    const { emission, eirpDbm, marginMs } = planned;
    connection.emissions.add(emission);
    return {
      gatewayId: connection.gatewayId,
      window: window.window,
      frequencyHz: window.frequencyHz,
      modulation: window.modulation,
      eirpDbm,
      concentratorTimestampUs: emission.startTimestampUs,
      marginMs,
      acknowledged: send(attempt, emission, eirpDbm),
    };
  };

  return {
    leadTimeMs(paths) {
      const leads = paths.flatMap((path) => {
        const connection = connectionOf(path);
        return connection?.connected ? [leadTimeMs(connection)] : [];
      });
      return leads.length > 0 ? Math.max(...leads) : DEFAULT_LEAD_MS;
    },
    schedule(request) {
      const refusals: ScheduleRefusal[] = [];
      for (const path of request.paths) {
        const connection = connectionOf(path);
        for (const window of request.windows) {
          const result = connection
            ? attemptOne({ request, path, connection, window })
            : refused('no_downlink_path');
          if (!('cause' in result)) return { ok: true, scheduled: result, refusals };
          refusals.push({
            gatewayId: connection?.gatewayId ?? path.gatewayId,
            window: window.window,
            cause: result.cause,
            evidence: evidenceRecord(result.evidence),
          });
          if (result.cause === 'no_downlink_path') break;
        }
      }
      return { ok: false, refusals };
    },
  };
}
