import type { MacCommand, MacCommandNamed } from '../../lorawan/index.ts';
import {
  type MacRequest,
  type RequestContext,
  takePending,
  type UplinkMacContext,
} from './context.ts';

/** Uplinks between two questions for battery and margin. */
export const DEFAULT_COUNT_PERIOD = 200;
export const DEFAULT_TIME_PERIOD_MS = 24 * 3_600_000;

function build({
  mac,
  settings,
  fullFCnt,
  nowMs,
  devStatusAtMs,
}: RequestContext): readonly MacCommand[] {
  const countPeriod = settings?.statusCountPeriodicity ?? DEFAULT_COUNT_PERIOD;
  const given = settings?.statusTimePeriodicity;
  const timePeriodMs = given
    ? Number(given.seconds) * 1000 + given.nanos / 1e6
    : DEFAULT_TIME_PERIOD_MS;
  const isDue =
    (devStatusAtMs === undefined && (countPeriod > 0 || timePeriodMs > 0)) ||
    (countPeriod > 0 && fullFCnt - mac.lastDevStatusFCntUp >= countPeriod) ||
    (timePeriodMs > 0 && devStatusAtMs !== undefined && nowMs - devStatusAtMs >= timePeriodMs);
  return isDue ? [{ name: 'DevStatusReq', fields: {} }] : [];
}

/** The device tells battery level and how well it hears. */
export function handleDevStatusAns(
  context: UplinkMacContext,
  command: MacCommandNamed<'DevStatusAns'>,
): void {
  const { fields } = command;
  if (!takePending(context.mac, 'DevStatusReq')) return;
  context.mac.lastDevStatusFCntUp = context.fullFCnt;
  context.status(fields);
  context.report('dev_status.answer', command);
}

/** DevStatusReq, now and then (LoRaWAN 1.1 §5.6). */
export const devStatus: MacRequest = {
  request: 'DevStatusReq',
  answer: 'DevStatusAns',
  isSticky: false,
  isDivisible: false,
  build,
};
