import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import {
  EndDeviceSchema,
  type MACSettings,
  MACSettingsSchema,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type {
  AggregatedDutyCycle,
  DataRateIndex,
  DeviceEIRP,
  PHYVersion,
} from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { type Band, MAX_EIRP_DBM } from '../lorawan/index.ts';
import { DEFAULT_MARGIN_DB } from './adr.ts';
import { ANSWER_TIMEOUT_MS as CLASS_C_TIMEOUT_MS } from './class-c-step.ts';
import { DEFAULT_COUNT_PERIOD, DEFAULT_TIME_PERIOD_MS } from './mac/dev-status.ts';
import { bandOf, newMacState } from './new-mac-state.ts';

/** How long the network would wait for the answer to a confirmed class B downlink. */
const CLASS_B_TIMEOUT_MS = 10 * 60_000;

/** A frequency for settings in which 0 means hopping, as bands with several frequencies do. */
const fixedOrHopping = (frequenciesHz: readonly number[]): bigint =>
  BigInt(frequenciesHz.length === 1 ? (frequenciesHz[0] ?? 0) : 0);

/** The highest power of the TxParamSetupReq table that is not above a limit (TS001-1.0.4 §5.8). */
function eirpIndex(maxEirpDbm: number): DeviceEIRP {
  const index = MAX_EIRP_DBM.findLastIndex((dbm) => dbm <= maxEirpDbm);
  return Math.max(index, 0) as DeviceEIRP;
}

function classB(rules: Band) {
  const pingSlotHz = fixedOrHopping(rules.pingSlotFrequenciesHz);
  const beaconHz = fixedOrHopping(rules.beacon.frequenciesHz);
  const rate = { value: rules.beacon.dataRateIndex as DataRateIndex };
  return {
    classBTimeout: durationFromMs(CLASS_B_TIMEOUT_MS),
    pingSlotDataRateIndex: rate,
    desiredPingSlotDataRateIndex: rate,
    pingSlotFrequency: { value: pingSlotHz },
    desiredPingSlotFrequency: { value: pingSlotHz },
    beaconFrequency: { value: beaconHz },
    desiredBeaconFrequency: { value: beaconHz },
  };
}

/**
 * What a device of a plan gets unless its own settings say otherwise: what it does by itself after a join, what the
 * network then asks of it, and how often and how long the network waits. Undefined if plan and version do not go together.
 */
export function defaultMacSettings(
  frequencyPlanId: string,
  lorawanPhyVersion: PHYVersion,
): MACSettings | undefined {
  const device = create(EndDeviceSchema, { frequencyPlanId, lorawanPhyVersion });
  const found = bandOf(device);
  const { currentParameters: now, desiredParameters: wanted } = newMacState(device);
  if (!found || !now || !wanted) return undefined;
  const { band } = found;
  const dutyCycle = (value: AggregatedDutyCycle) => ({ value });
  const { uplink, downlink } = band.bootDwellTime;
  return create(MACSettingsSchema, {
    ...classB(band),
    classCTimeout: durationFromMs(CLASS_C_TIMEOUT_MS),
    rx1Delay: { value: now.rx1Delay },
    desiredRx1Delay: { value: wanted.rx1Delay },
    rx1DataRateOffset: { value: now.rx1DataRateOffset },
    desiredRx1DataRateOffset: { value: wanted.rx1DataRateOffset },
    rx2DataRateIndex: { value: now.rx2DataRateIndex },
    desiredRx2DataRateIndex: { value: wanted.rx2DataRateIndex },
    rx2Frequency: { value: now.rx2Frequency },
    desiredRx2Frequency: { value: wanted.rx2Frequency },
    maxDutyCycle: dutyCycle(now.maxDutyCycle),
    desiredMaxDutyCycle: dutyCycle(wanted.maxDutyCycle),
    supports32BitFCnt: { value: true },
    useAdr: { value: band.dynamicAdr },
    adrMargin: DEFAULT_MARGIN_DB,
    resetsFCnt: { value: false },
    statusTimePeriodicity: durationFromMs(DEFAULT_TIME_PERIOD_MS),
    statusCountPeriodicity: DEFAULT_COUNT_PERIOD,
    desiredAdrAckLimitExponent: { value: Math.log2(band.adrAckLimit) },
    desiredAdrAckDelayExponent: { value: Math.log2(band.adrAckDelay) },
    desiredMaxEirp: { value: eirpIndex(wanted.maxEirp) },
    ...(uplink !== undefined && { uplinkDwellTime: { value: uplink } }),
    ...(downlink !== undefined && { downlinkDwellTime: { value: downlink } }),
    scheduleDownlinks: { value: true },
  });
}
