import { create } from '@bufbuild/protobuf';
import type { MACParameters } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { BoolValueSchema } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { isAtLeast, MAX_EIRP_DBM } from '../../lorawan/index.ts';
import {
  current,
  desired,
  type MacRequest,
  takePending,
  type UplinkMacContext,
} from './context.ts';

/** Index of the largest EIRP of the table that is not above the limit; 0 if all of them are. */
function eirpIndex(limitDbm: number): number {
  return Math.max(
    0,
    MAX_EIRP_DBM.findLastIndex((dbm) => dbm <= limitDbm),
  );
}

/** What the network wants of the device; a dwell time it has no wish for stays as it is. */
function wantedLimits(now: MACParameters, wanted: MACParameters) {
  return {
    maxEirpIndex: eirpIndex(wanted.maxEirp),
    uplinkDwellTime: (wanted.uplinkDwellTime ?? now.uplinkDwellTime)?.value ?? false,
    downlinkDwellTime: (wanted.downlinkDwellTime ?? now.downlinkDwellTime)?.value ?? false,
  };
}

/** The device keeps to the new limits of power and of time per transmission. */
export function handleTxParamSetupAns(context: UplinkMacContext): void {
  const request = takePending(context.mac, 'TxParamSetupReq');
  if (!request) return;
  const { maxEirpIndex, uplinkDwellTime, downlinkDwellTime } = request.fields;
  const parameters = current(context.mac);
  parameters.maxEirp = MAX_EIRP_DBM[maxEirpIndex] ?? parameters.maxEirp;
  parameters.uplinkDwellTime = create(BoolValueSchema, { value: uplinkDwellTime });
  parameters.downlinkDwellTime = create(BoolValueSchema, { value: downlinkDwellTime });
  context.report('tx_param_setup.answer');
}

/**
 * TXParamSetupReq: highest power and dwell times, in bands that have it (TS001-1.0.4 §5.8, LoRaWAN 1.1 §5.9). Powers are
 * compared by their index: a limit between two values of the table cannot be told more exactly.
 */
export const txParamSetup: MacRequest = {
  request: 'TxParamSetupReq',
  answer: 'TxParamSetupAns',
  isSticky: true,
  isDivisible: false,
  build({ mac, band, macVersion }) {
    if (!band.txParamSetup || !isAtLeast(macVersion, '1.0.2')) return [];
    const now = current(mac);
    const fields = wantedLimits(now, desired(mac));
    const isSame =
      fields.maxEirpIndex === eirpIndex(now.maxEirp) &&
      fields.uplinkDwellTime === now.uplinkDwellTime?.value &&
      fields.downlinkDwellTime === now.downlinkDwellTime?.value;
    return isSame ? [] : [{ name: 'TxParamSetupReq', fields }];
  },
};
