/** What a gateway may transmit: power, sub-bands and dwell time by its registration, its band and its frequency plans. */
import { type CauseCode, type EvidenceData, fact } from '../base/causes.ts';
import { outputPowerDbm } from '../base/gateway-link.ts';
import type { DownlinkRequest, WindowSettings } from '../base/seams.ts';
import {
  type Band,
  band,
  type FrequencyPlan,
  frequencyPlan,
  latestBand,
  parsePhyVersion,
  subBandOf,
  subBandOfPlan,
} from '../lorawan/index.ts';
import type { GatewaySettings } from '../registry/index.ts';
import type { Connection } from './connection.ts';
import type { SubBandLimit } from './emission-plan.ts';

/** A frame for one gateway and one place on air. */
export interface Attempt {
  readonly request: Pick<
    DownlinkRequest,
    'phyPayload' | 'bandId' | 'phyVersion' | 'frequencyPlanId' | 'priority' | 'correlationIds'
  >;
  readonly connection: Connection;
  readonly settings: GatewaySettings;
  readonly antennaIndex: number;
  readonly window: Omit<WindowSettings, 'delayMs'>;
}

/** Reasons of this server not to hand a frame to a gateway; the gateway's own are those of `TxResult`. */
export type ScheduleCause = Extract<
  CauseCode,
  | 'conflict'
  | 'downlink_not_allowed'
  | 'duty_cycle'
  | 'dwell_time'
  | 'frequency_plan_mismatch'
  | 'gateway_not_found'
  | 'no_absolute_gateway_time'
  | 'no_clock_sync'
  | 'no_downlink_path'
  | 'sub_band_not_found'
  | 'too_late'
  | 'too_long'
  | 'tx_power'
>;

/** Why a gateway does not take a frame. */
export interface Refused {
  readonly cause: ScheduleCause;
  readonly evidence: readonly EvidenceData[];
  /** When the reason is over, on the monotonic clock, if that is known. */
  readonly freeAtMonotonicMs?: number;
}

export function refused(cause: ScheduleCause, ...evidence: EvidenceData[]): Refused {
  return { cause, evidence };
}

/** The dwell time limit of the regional parameters. */
const DWELL_TIME_MS = 400;
/** All frequencies, without a limit: of gateways whose duty cycle is not enforced, and of bands without sub-bands. */
export const NO_LIMIT: SubBandLimit = {
  minFrequencyHz: 0,
  maxFrequencyHz: Number.MAX_SAFE_INTEGER,
  dutyCycle: 1,
};

function isPlan(plan: FrequencyPlan | undefined): plan is FrequencyPlan {
  return plan !== undefined;
}

/** Plans a gateway was registered with, as far as this program knows them. */
export function registeredPlans({ frequencyPlanIds }: GatewaySettings): readonly FrequencyPlan[] {
  return frequencyPlanIds.map(frequencyPlan).filter(isPlan);
}

/** Plans that rule what the gateway transmits: its own, else that of its link, else that of the device. */
function rulingPlans({ settings, connection, request }: Attempt): readonly FrequencyPlan[] {
  const isOfBand = ({ bandId }: FrequencyPlan): boolean => bandId === request.bandId;
  const registered = registeredPlans(settings).filter(isOfBand);
  if (registered.length > 0) return registered;
  const ofLink = frequencyPlan(connection.settings.frequencyPlanId);
  const plan = ofLink && isOfBand(ofLink) ? ofLink : frequencyPlan(request.frequencyPlanId);
  return plan ? [plan] : [];
}

/** A gateway that is registered for another band does not transmit in this one. */
export function bandProblem({ settings, request }: Attempt): Refused | undefined {
  const plans = registeredPlans(settings);
  if (plans.length === 0 || plans.some(({ bandId }) => bandId === request.bandId)) return undefined;
  return refused(
    'frequency_plan_mismatch',
    fact('gateway_frequency_plan', plans.map(({ id }) => id).join(' ')),
    fact('device_band', request.bandId),
  );
}

/** The band as the device knows it. */
function bandOf({ bandId, phyVersion }: Attempt['request']): Band | undefined {
  const version = phyVersion === undefined ? undefined : parsePhyVersion(phyVersion);
  return (version && band(bandId, version)) ?? latestBand(bandId);
}

/** The most specific limit rules: sub-band of the plan, plan, sub-band of the band, band. */
function maxEirpDbm(
  regional: Band | undefined,
  plan: FrequencyPlan | undefined,
  frequencyHz: number,
): number | undefined {
  const ofPlan = plan?.subBands?.find(
    ({ minFrequencyHz, maxFrequencyHz }) =>
      minFrequencyHz <= frequencyHz && frequencyHz <= maxFrequencyHz,
  );
  return (
    ofPlan?.maxEirpDbm ??
    plan?.maxEirpDbm ??
    (regional && subBandOf(regional, frequencyHz)?.maxEirpDbm) ??
    regional?.defaultMaxEirpDbm
  );
}

/** Gain of the antenna that transmits; an antenna nobody described has none. */
export function antennaGainDbi({ settings, antennaIndex }: Attempt): number {
  return settings.antennaGainsDbi[antennaIndex] ?? 0;
}

/** Power to be radiated: what band and plan allow, as far as the transmitter reaches with its antenna. */
export function eirpOf(attempt: Attempt): number | Refused {
  const { request, connection, window } = attempt;
  const plan = frequencyPlan(request.frequencyPlanId);
  const allowedDbm = maxEirpDbm(bandOf(request), plan, window.frequencyHz);
  if (allowedDbm === undefined) return refused('tx_power', fact('unknown_band', request.bandId));
  const gainDbi = antennaGainDbi(attempt);
  const wantedDbm = outputPowerDbm({ eirpDbm: allowedDbm, antennaGainDbi: gainDbi });
  const { minEirpDbm: leastDbm, maxEirpDbm: mostDbm } = connection.link.capabilities;
  const powerDbm = Math.min(wantedDbm, mostDbm ?? Number.POSITIVE_INFINITY);
  if (leastDbm !== undefined && leastDbm > powerDbm)
    return refused(
      'tx_power',
      fact('least_power', leastDbm, 'dBm'),
      fact('allowed_power', powerDbm, 'dBm'),
      fact('antenna_gain', gainDbi, 'dBi'),
    );
  return powerDbm === wantedDbm ? allowedDbm : powerDbm + gainDbi;
}

/** The sub-band whose duty cycle a transmission uses up. */
export function subBandLimit(attempt: Attempt): SubBandLimit | Refused {
  const { request, settings, window } = attempt;
  const regional = bandOf(request);
  if (!regional || !settings.enforceDutyCycle) return NO_LIMIT;
  const plans = rulingPlans(attempt);
  for (const plan of plans.length > 0 ? plans : [undefined]) {
    const found = subBandOfPlan(regional, plan, window.frequencyHz);
    if (found) return found;
  }
  if (regional.subBands.length === 0 && plans.every(({ subBands }) => !subBands)) return NO_LIMIT;
  return refused('sub_band_not_found', fact('frequency', window.frequencyHz, 'Hz'));
}

/** Plans that limit the length of a transmission; of several plans the most generous counts. */
export function dwellTimeProblem(attempt: Attempt, airtimeUs: number): Refused | undefined {
  const limitsMs = rulingPlans(attempt).map(({ dwellTime }) =>
    dwellTime?.downlinks ? (dwellTime.durationMs ?? DWELL_TIME_MS) : Number.POSITIVE_INFINITY,
  );
  const longestMs = Math.max(...limitsMs);
  if (limitsMs.length === 0 || airtimeUs <= longestMs * 1000) return undefined;
  return refused(
    'dwell_time',
    fact('time_on_air', airtimeUs / 1000, 'ms'),
    fact('max_time_on_air', longestMs, 'ms'),
  );
}
