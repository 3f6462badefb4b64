import { type EvidenceData, fact } from '../base/causes.ts';
import type { Clock } from '../base/clock.ts';
import type { TxAcknowledgment, TxRequest } from '../base/gateway-link.ts';
import type {
  DownlinkRequest,
  DownlinkScheduler,
  FreeDownlinkRequest,
  GatewayChoice,
  ReceivedUplink,
  ScheduledDownlink,
  ScheduleRefusal,
  TriedWindow,
  WindowSettings,
} from '../base/seams.ts';
import { frequencyPlan, timeOnAirUs } from '../lorawan/index.ts';
import type { GatewaySettings } from '../registry/index.ts';
import { anytimeDelayMs, type Connection, leadTimeMs, leastLeadTimeMs } from './connection.ts';
import type { Emission } from './emission-plan.ts';
import { holdBackMs } from './hold-back.ts';
import { recentSync, type Start, startAt, startAtTime, startInWindow } from './start-time.ts';
import {
  type Attempt,
  antennaGainDbi,
  bandProblem,
  dwellTimeProblem,
  eirpOf,
  type Refused,
  refused,
  subBandLimit,
} from './transmit-limits.ts';

/** A downlink that is tried through one gateway. */
export interface TriedDownlink {
  readonly connection: Connection;
  readonly request: DownlinkRequest | FreeDownlinkRequest;
  readonly antennaIndex: number;
}

export interface SchedulerOptions {
  readonly clock: Clock;
  /** Aborts when frames that are held back are not to be sent any more. */
  readonly signal: AbortSignal;
  /** The gateway that heard it, as far as it is connected. */
  connectionOf(path: ReceivedUplink): Connection | undefined;
  /** The gateway with that id, as far as a link knows it. */
  connectionById(gatewayId: string): Connection | undefined;
  /** How a gateway is to transmit; undefined if nobody registered it. */
  settingsOf(gatewayId: string): GatewaySettings | undefined;
  /** Settings of a gateway that is connected, registered or not. */
  settingsOfConnected(connection: Connection): GatewaySettings;
  /** A gateway is asked now. */
  onAttempt(tried: TriedDownlink): void;
  /** It takes the frame in none of its windows. */
  onRefused(tried: TriedDownlink, refusal: ScheduleRefusal): void;
  /** A frame is handed to its gateway. */
  onSend(connection: Connection, request: TxRequest, correlationIds: readonly string[]): void;
  onAcknowledged(
    connection: Connection,
    acknowledgment: TxAcknowledgment,
    correlationIds: readonly string[],
  ): void;
}

/** Without any path that can transmit, only so much is worth waiting for. */
const DEFAULT_LEAD_MS = 100;
/** A downlink without a time is put off no further than this; the network server asks again later. */
const LONGEST_WAIT_MS = 5_000;

interface Planned {
  readonly emission: Emission;
  readonly eirpDbm: number;
  readonly marginMs: number;
  readonly time: Start['time'];
}

function evidenceRecord(
  evidence: readonly EvidenceData[],
): Readonly<Record<string, string | number | boolean>> {
  return Object.fromEntries(
    evidence.flatMap(({ name, value }) => (value.case === 'data' ? [] : [[name, value.value]])),
  );
}

function wasTried(
  tried: readonly TriedWindow[] | undefined,
  gatewayId: string,
  { window }: Pick<WindowSettings, 'window'>,
): boolean {
  return tried?.some((one) => one.gatewayId === gatewayId && one.window === window) ?? false;
}

/** Those that would rather leave it to others come last. */
function othersFirst<T>(ways: readonly T[], prefersOther: (way: T) => boolean): readonly T[] {
  return ways.some(prefersOther)
    ? [...ways.filter((way) => !prefersOther(way)), ...ways.filter(prefersOther)]
    : ways;
}

/** Why the gateway takes no frame of this kind at all. */
function gatewayProblem(attempt: Attempt): Refused | undefined {
  const { connection, settings } = attempt;
  if (!connection.connected || !connection.details.downlinkReady)
    return refused('no_downlink_path', fact('connected', connection.connected));
  if (settings.downlinkPath === 'never')
    return refused('downlink_not_allowed', fact('downlink_path_constraint', 'never'));
  return bandProblem(attempt);
}

/** The gateway takes the frame, or why it does not. Nothing is kept yet. */
function planAttempt(attempt: Attempt, start: Start, nowMs: number): Refused | Planned {
  const { request, connection, window } = attempt;
  const problem = gatewayProblem(attempt);
  if (problem) return problem;
  const { length } = request.phyPayload;
  if (length > window.maxPhyPayloadBytes)
    return refused('too_long', fact('bytes', length), fact('max_bytes', window.maxPhyPayloadBytes));
  const marginMs = start.monotonicMs - nowMs;
  const neededMs = start.time.kind === 'immediate' ? 0 : leastLeadTimeMs(connection, length);
  if (marginMs < neededMs)
    return refused('too_late', fact('margin', marginMs, 'ms'), fact('lead_time', neededMs, 'ms'));
  const durationUs = timeOnAirUs(window.modulation, length);
  const subBand = subBandLimit(attempt);
  if ('cause' in subBand) return subBand;
  const dwell = dwellTimeProblem(attempt, durationUs);
  if (dwell) return dwell;
  const eirpDbm = eirpOf(attempt);
  if (typeof eirpDbm !== 'number') return eirpDbm;
  const emission = {
    startTimestampUs: start.timestampUs,
    startMonotonicMs: start.monotonicMs,
    durationUs,
    frequencyHz: window.frequencyHz,
    subBand,
  };
  const taken = connection.emissions.check(emission, request.priority);
  return taken ?? { emission, eirpDbm, marginMs, time: start.time };
}

/** The first gap; at once where the gateway's counter is not known. */
function planSoon(attempt: Attempt, clock: Clock): Refused | Planned {
  const nowMs = clock.monotonic();
  const { connection, request, settings } = attempt;
  const sync = recentSync(connection, nowMs);
  if (!sync) {
    const time = { kind: 'immediate' } as const;
    return planAttempt(attempt, { monotonicMs: nowMs, timestampUs: undefined, time }, nowMs);
  }
  const delayMs = anytimeDelayMs(connection, request.phyPayload.length, settings.anytimeDelayMs);
  const latestMs = nowMs + delayMs + LONGEST_WAIT_MS;
  let startMs = nowMs + delayMs;
  for (;;) {
    const result = planAttempt(attempt, startAt(sync, startMs), nowMs);
    const freeAtMs = 'cause' in result ? result.freeAtMonotonicMs : undefined;
    if (freeAtMs === undefined || freeAtMs <= startMs || freeAtMs > latestMs) return result;
    startMs = freeAtMs;
  }
}

/** A chosen time. */
function planAtTime(attempt: Attempt, wallMs: number, clock: Clock): Refused | Planned {
  const nowMonotonicMs = clock.monotonic();
  const at = { wallMs, nowWallMs: clock.now(), nowMonotonicMs };
  const start = startAtTime(attempt.connection, at);
  if ('cause' in start) return gatewayProblem(attempt) ?? start;
  return planAttempt(attempt, start, nowMonotonicMs);
}

/** Finds gateway and window for downlinks, and hands them over. */
class Scheduler implements DownlinkScheduler {
  readonly #options: SchedulerOptions;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  leadTimeMs(paths: readonly ReceivedUplink[]): number {
    const leads = paths.flatMap((path) => {
      const connection = this.#options.connectionOf(path);
      return connection?.connected ? [leadTimeMs(connection)] : [];
    });
    return leads.length > 0 ? Math.max(...leads) : DEFAULT_LEAD_MS;
  }

  schedule(request: DownlinkRequest): ReturnType<DownlinkScheduler['schedule']> {
    const refusals: ScheduleRefusal[] = [];
    for (const { path, connection, settings } of this.#ways(request.paths)) {
      const gatewayId = connection?.gatewayId ?? path.gatewayId;
      const windows = request.windows.filter(
        (window) => !wasTried(request.except, gatewayId, window),
      );
      const [first] = windows;
      if (!first) continue;
      if (!connection?.connected || !settings) {
        const away = refused('no_downlink_path', fact('connected', false));
        refusals.push(this.#refusal(gatewayId, first, away));
        continue;
      }
      const tried = { connection, request, antennaIndex: 0 };
      this.#options.onAttempt(tried);
      const result = this.#tryWindows(tried, settings, path, windows);
      refusals.push(...result.refusals);
      if (result.scheduled) return { ok: true, scheduled: result.scheduled, refusals };
      const last = result.refusals.at(-1);
      if (last) this.#options.onRefused(tried, last);
    }
    return { ok: false, refusals };
  }

  scheduleFree(request: FreeDownlinkRequest): ReturnType<DownlinkScheduler['scheduleFree']> {
    const { attempt, planned, refusals } = this.#planFree(request, true);
    if (!attempt) return { ok: false, refusals };
    return { ok: true, scheduled: this.#take(attempt, planned), refusals };
  }

  checkFree(request: FreeDownlinkRequest): readonly ScheduleRefusal[] | undefined {
    const { attempt, refusals } = this.#planFree(request, false);
    return attempt ? undefined : refusals;
  }

  /** Paths with their gateways, in the order in which they are tried. */
  #ways(paths: readonly ReceivedUplink[]) {
    const ways = paths.map((path) => {
      const connection = this.#options.connectionOf(path);
      const settings = connection && this.#options.settingsOfConnected(connection);
      return { path, connection, settings };
    });
    return othersFirst(ways, ({ settings }) => settings?.downlinkPath === 'prefer_other');
  }

  #choices({ gateways, keepsOrder = false }: FreeDownlinkRequest): readonly GatewayChoice[] {
    if (keepsOrder) return gateways;
    const { settingsOf } = this.#options;
    return othersFirst(
      gateways,
      ({ gatewayId }) => settingsOf(gatewayId)?.downlinkPath === 'prefer_other',
    );
  }

  #tryWindows(
    { connection, request, antennaIndex }: TriedDownlink,
    settings: GatewaySettings,
    path: ReceivedUplink,
    windows: readonly WindowSettings[],
  ): { readonly scheduled?: ScheduledDownlink; readonly refusals: readonly ScheduleRefusal[] } {
    const refusals: ScheduleRefusal[] = [];
    for (const window of windows) {
      const attempt = { request, connection, settings, window, antennaIndex };
      const start = startInWindow(path, window.delayMs);
      const planned = planAttempt(attempt, start, this.#options.clock.monotonic());
      if (!('cause' in planned)) return { scheduled: this.#take(attempt, planned), refusals };
      refusals.push(this.#refusal(connection.gatewayId, window, planned));
      if (planned.cause === 'no_downlink_path') break;
    }
    return { refusals };
  }

  /** The first gateway that would take it. */
  #planFree(request: FreeDownlinkRequest, isTold: boolean) {
    const { clock, connectionById, settingsOf, settingsOfConnected } = this.#options;
    const refusals: ScheduleRefusal[] = [];
    const { window, atMs } = request;
    for (const { gatewayId, antennaIndex } of this.#choices(request)) {
      if (wasTried(request.except, gatewayId, window)) continue;
      const connection = connectionById(gatewayId);
      if (!connection?.connected) {
        const isKnown = connection !== undefined || settingsOf(gatewayId) !== undefined;
        const away = isKnown
          ? refused('no_downlink_path', fact('connected', false))
          : refused('gateway_not_found', fact('gateway_id', gatewayId));
        refusals.push(this.#refusal(gatewayId, window, away));
        continue;
      }
      const tried = { connection, request, antennaIndex };
      if (isTold) this.#options.onAttempt(tried);
      const settings = settingsOfConnected(connection);
      const attempt = { request, connection, settings, window, antennaIndex };
      const planned =
        atMs === undefined ? planSoon(attempt, clock) : planAtTime(attempt, atMs, clock);
      if (!('cause' in planned)) return { attempt, planned, refusals };
      const refusal = this.#refusal(gatewayId, window, planned);
      refusals.push(refusal);
      if (isTold) this.#options.onRefused(tried, refusal);
    }
    return { refusals };
  }

  #refusal(
    gatewayId: string,
    { window }: Pick<WindowSettings, 'window'>,
    { cause, evidence }: Refused,
  ): ScheduleRefusal {
    return { gatewayId, window, cause, evidence: evidenceRecord(evidence) };
  }

  #take(attempt: Attempt, planned: Planned): ScheduledDownlink {
    const { connection, window, antennaIndex } = attempt;
    const { emission, eirpDbm, marginMs } = planned;
    connection.emissions.add(emission);
    return {
      gatewayId: connection.gatewayId,
      antennaIndex,
      window: window.window,
      frequencyHz: window.frequencyHz,
      modulation: window.modulation,
      eirpDbm,
      concentratorTimestampUs: emission.startTimestampUs ?? 0,
      marginMs,
      acknowledged: this.#send(attempt, planned),
    };
  }

  async #send(attempt: Attempt, { emission, eirpDbm, marginMs, time }: Planned) {
    const { request, connection, window, antennaIndex, settings } = attempt;
    const { clock, signal, onSend, onAcknowledged } = this.#options;
    const { correlationIds = [] } = request;
    const gainDbi = antennaGainDbi(attempt);
    const listenBeforeTalk = frequencyPlan(request.frequencyPlanId)?.listenBeforeTalk;
    const txRequest: TxRequest = {
      gatewayEui: connection.eui,
      phyPayload: request.phyPayload,
      frequencyHz: window.frequencyHz,
      modulation: window.modulation,
      eirpDbm,
      antennaIndex,
      ...(gainDbi !== 0 && { antennaGainDbi: gainDbi }),
      invertPolarization: window.modulation.kind === 'lora',
      payloadCrc: false,
      time,
      ...(listenBeforeTalk && { listenBeforeTalk }),
    };
    onSend(connection, txRequest, correlationIds);
    try {
      const holdMs = holdBackMs(connection, settings, { time, marginMs });
      if (holdMs > 0) await clock.sleep(holdMs, signal);
      const acknowledgment = await connection.link.transmit(txRequest);
      const { result } = acknowledgment;
      if (result !== 'success' && result !== 'no_acknowledgment')
        connection.emissions.remove(emission);
      onAcknowledged(connection, acknowledgment, correlationIds);
      return acknowledgment;
    } catch {
      return { result: 'unknown' as const, detail: 'The link failed.' };
    }
  }
}

/** Creates the part that finds gateway, window and power for downlinks. */
export function createScheduler(options: SchedulerOptions): DownlinkScheduler {
  return new Scheduler(options);
}
