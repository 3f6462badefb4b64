import { type CauseCode, type EvidenceData, fact } from '../base/causes.ts';
import type { Clock } from '../base/clock.ts';
import type { TransmitTime, TxAcknowledgment, TxRequest } from '../base/gateway-link.ts';
import type {
  DownlinkRequest,
  DownlinkScheduler,
  FreeDownlinkRequest,
  ReceivedUplink,
  ScheduledDownlink,
  ScheduleRefusal,
  WindowSettings,
} from '../base/seams.ts';
import {
  type Band,
  band,
  frequencyPlan,
  latestBand,
  parsePhyVersion,
  subBandOfPlan,
  timeOnAirUs,
} from '../lorawan/index.ts';
import { type ClockSync, type Connection, leadTimeMs } from './connection.ts';
import type { Emission, SubBandLimit } from './emission-plan.ts';

export interface SchedulerOptions {
  readonly clock: Clock;
  /** The gateway that heard it, as far as it is connected. */
  connectionOf(path: ReceivedUplink): Connection | undefined;
  /** The gateway with that id, as far as a link knows it. */
  connectionById(gatewayId: string): Connection | undefined;
  /** A frame goes to its gateway now. */
  onSend(connection: Connection, request: TxRequest): void;
  onAcknowledged(connection: Connection, acknowledgment: TxAcknowledgment): void;
}

const COUNTER_RANGE = 2 ** 32;
/** Without any path that can transmit, only so much is worth waiting for. */
const DEFAULT_LEAD_MS = 100;
/** A gateway's counter is known from an uplink this long: two quartzes part by some tens of milliseconds in it. */
const SYNC_LIFE_MS = 30 * 60_000;
/** A class C downlink is planned no further ahead; the network server asks again later. */
const LONGEST_WAIT_MS = 5_000;
const GPS_EPOCH_MS = Date.UTC(1980, 0, 6);
/** GPS time is ahead of UTC by so much since 2017. */
const LEAP_SECONDS_MS = 18_000;
const NO_LIMIT: SubBandLimit = {
  minFrequencyHz: 0,
  maxFrequencyHz: Number.MAX_SAFE_INTEGER,
  dutyCycle: 1,
};

/** A frame for one gateway and one place on air. */
interface Attempt {
  readonly request: Pick<DownlinkRequest, 'phyPayload' | 'priority' | keyof Regional>;
  readonly connection: Connection;
  readonly antennaIndex: number;
  readonly window: Omit<WindowSettings, 'delayMs'>;
}

/** When an attempt would start, on the clocks of gateway and computer. */
interface Start {
  readonly monotonicMs: number;
  readonly timestampUs: number | undefined;
  readonly time: TransmitTime;
}

interface Planned {
  readonly emission: Emission;
  readonly eirpDbm: number;
  readonly marginMs: number;
  readonly time: TransmitTime;
}

interface Refused {
  readonly cause: CauseCode;
  readonly evidence: readonly EvidenceData[];
  readonly freeAtMonotonicMs?: number;
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

/** The dwell time limit of the regional parameters. */
const DWELL_TIME_MS = 400;

type Regional = Pick<DownlinkRequest, 'bandId' | 'phyVersion' | 'frequencyPlanId'>;

/** The band as the device knows it. */
function bandOf({ bandId, phyVersion }: Regional): Band | undefined {
  const version = phyVersion === undefined ? undefined : parsePhyVersion(phyVersion);
  return (version && band(bandId, version)) ?? latestBand(bandId);
}

/** Power at the antenna: what band, frequency plan and link allow, in that order. */
function eirpOf({ request, connection, window }: Attempt): number | Refused {
  const regional = bandOf(request);
  const plan = frequencyPlan(request.frequencyPlanId);
  const subBand = regional && subBandOfPlan(regional, plan, window.frequencyHz);
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
  const regional = bandOf(request);
  if (!regional) return NO_LIMIT;
  const plan = frequencyPlan(request.frequencyPlanId);
  const found = subBandOfPlan(regional, plan, window.frequencyHz);
  if (found) return found;
  if (regional.subBands.length === 0) return NO_LIMIT;
  return refused('tx_freq', fact('frequency', window.frequencyHz, 'Hz'));
}

function dwellTimeProblem({ request }: Attempt, airtimeUs: number): Refused | undefined {
  const limit = frequencyPlan(request.frequencyPlanId)?.dwellTime;
  const durationMs = limit?.durationMs ?? DWELL_TIME_MS;
  if (!limit?.downlinks || airtimeUs <= durationMs * 1000) return undefined;
  return refused(
    'dwell_time',
    fact('time_on_air', airtimeUs / 1000, 'ms'),
    fact('max_time_on_air', durationMs, 'ms'),
  );
}

/** The gateway takes the frame, or why it does not. Nothing is kept yet. */
function planAttempt(attempt: Attempt, start: Start, nowMs: number): Refused | Planned {
  const { request, connection, window } = attempt;
  if (!connection.connected || !connection.details.downlinkReady)
    return refused('no_downlink_path');
  const { length } = request.phyPayload;
  if (length > window.maxPhyPayloadBytes)
    return refused('too_long', fact('bytes', length), fact('max_bytes', window.maxPhyPayloadBytes));
  const marginMs = start.monotonicMs - nowMs;
  const neededMs = start.time.kind === 'immediate' ? 0 : leadTimeMs(connection, length);
  if (marginMs < neededMs)
    return refused('too_late', fact('margin', marginMs, 'ms'), fact('lead_time', neededMs, 'ms'));
  const durationUs = timeOnAirUs(window.modulation, length);
  const dwell = dwellTimeProblem(attempt, durationUs);
  if (dwell) return dwell;
  const eirpDbm = eirpOf(attempt);
  if (typeof eirpDbm !== 'number') return eirpDbm;
  const subBand = subBandLimit(attempt);
  if ('cause' in subBand) return subBand;
  const emission = {
    startTimestampUs: start.timestampUs,
    startMonotonicMs: start.monotonicMs,
    durationUs,
    subBand,
  };
  const problem = connection.emissions.check(emission, request.priority);
  return problem ?? { emission, eirpDbm, marginMs, time: start.time };
}

function counterAt(sync: ClockSync, monotonicMs: number): number {
  const elapsedUs = Math.round((monotonicMs - sync.monotonicMs) * 1000);
  return (((sync.timestampUs + elapsedUs) % COUNTER_RANGE) + COUNTER_RANGE) % COUNTER_RANGE;
}

function startAt(sync: ClockSync, monotonicMs: number): Start {
  const timestampUs = counterAt(sync, monotonicMs);
  const time = { kind: 'timestamp', concentratorTimestampUs: timestampUs } as const;
  return { monotonicMs, timestampUs, time };
}

/** A chosen time: by the gateway's GPS where it has one, else by its counter. */
function planAtTime(attempt: Attempt, atMs: number, clock: Clock): Refused | Planned {
  const nowMs = clock.monotonic();
  const { clockSync } = attempt.connection;
  const monotonicMs = nowMs + atMs - clock.now();
  if (!clockSync || nowMs - clockSync.monotonicMs > SYNC_LIFE_MS) return refused('gps_unlocked');
  const start = startAt(clockSync, monotonicMs);
  if (!clockSync.hasGps) return planAttempt(attempt, start, nowMs);
  const gpsTimeMs = Math.round(atMs - GPS_EPOCH_MS + LEAP_SECONDS_MS);
  return planAttempt(attempt, { ...start, time: { kind: 'gps', gpsTimeMs } }, nowMs);
}

/** The first gap; at once where the gateway's counter is not known. */
function planSoon(attempt: Attempt, clock: Clock): Refused | Planned {
  const nowMs = clock.monotonic();
  const { connection, request } = attempt;
  const { clockSync } = connection;
  if (!clockSync || nowMs - clockSync.monotonicMs > SYNC_LIFE_MS) {
    const time = { kind: 'immediate' } as const;
    return planAttempt(attempt, { monotonicMs: nowMs, timestampUs: undefined, time }, nowMs);
  }
  let startMs = nowMs + leadTimeMs(connection, request.phyPayload.length);
  for (;;) {
    const result = planAttempt(attempt, startAt(clockSync, startMs), nowMs);
    const freeAtMs = 'cause' in result ? result.freeAtMonotonicMs : undefined;
    if (freeAtMs === undefined || freeAtMs <= startMs || freeAtMs > nowMs + LONGEST_WAIT_MS)
      return result;
    startMs = freeAtMs;
  }
}

/** Finds gateway and window for downlinks, and hands them over. */
export function createScheduler(options: SchedulerOptions): DownlinkScheduler {
  const { clock, connectionOf, connectionById } = options;

  const send = (
    { request, connection, window, antennaIndex }: Attempt,
    { emission, eirpDbm, time }: Planned,
  ): ScheduledDownlink['acknowledged'] => {
    const txRequest: TxRequest = {
      gatewayEui: connection.eui,
      phyPayload: request.phyPayload,
      frequencyHz: window.frequencyHz,
      modulation: window.modulation,
      eirpDbm,
      antennaIndex,
      invertPolarization: window.modulation.kind === 'lora',
      payloadCrc: false,
      time,
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

  const take = (attempt: Attempt, planned: Planned): ScheduledDownlink => {
    const { connection, window } = attempt;
    const { emission, eirpDbm, marginMs } = planned;
    connection.emissions.add(emission);
    return {
      gatewayId: connection.gatewayId,
      window: window.window,
      frequencyHz: window.frequencyHz,
      modulation: window.modulation,
      eirpDbm,
      concentratorTimestampUs: emission.startTimestampUs ?? 0,
      marginMs,
      acknowledged: send(attempt, planned),
    };
  };

  const refusal = (gatewayId: string, attempt: Pick<Attempt, 'window'>, result: Refused) => ({
    gatewayId,
    window: attempt.window.window,
    cause: result.cause,
    evidence: evidenceRecord(result.evidence),
  });

  const attemptWindow = (
    request: DownlinkRequest,
    path: ReceivedUplink,
    connection: Connection,
    window: WindowSettings,
  ): ScheduledDownlink | Refused => {
    const { delayMs } = window;
    const timestampUs = (path.uplink.concentratorTimestampUs + delayMs * 1000) % COUNTER_RANGE;
    const start: Start = {
      monotonicMs: path.receivedMonotonicMs + delayMs,
      timestampUs,
      time: { kind: 'timestamp', concentratorTimestampUs: timestampUs },
    };
    const attempt = { request, connection, window, antennaIndex: 0 };
    const planned = planAttempt(attempt, start, clock.monotonic());
    return 'cause' in planned ? planned : take(attempt, planned);
  };

  /** The first gateway that would take it. */
  const planFree = (request: FreeDownlinkRequest) => {
    const refusals: ScheduleRefusal[] = [];
    const { window, atMs } = request;
    for (const { gatewayId, antennaIndex } of request.gateways) {
      const connection = connectionById(gatewayId);
      const attempt = connection && { request, connection, window, antennaIndex };
      let planned: Refused | Planned = refused('no_downlink_path');
      if (attempt)
        planned = atMs === undefined ? planSoon(attempt, clock) : planAtTime(attempt, atMs, clock);
      if (attempt && !('cause' in planned)) return { attempt, planned, refusals };
      if ('cause' in planned) refusals.push(refusal(gatewayId, request, planned));
    }
    return { refusals };
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
            ? attemptWindow(request, path, connection, window)
            : refused('no_downlink_path');
          if (!('cause' in result)) return { ok: true, scheduled: result, refusals };
          refusals.push(refusal(connection?.gatewayId ?? path.gatewayId, { window }, result));
          if (result.cause === 'no_downlink_path') break;
        }
      }
      return { ok: false, refusals };
    },
    scheduleFree(request) {
      const { attempt, planned, refusals } = planFree(request);
      if (!attempt) return { ok: false, refusals };
      return { ok: true, scheduled: take(attempt, planned), refusals };
    },
    checkFree(request) {
      const { attempt, refusals } = planFree(request);
      return attempt ? undefined : refusals;
    },
  };
}
