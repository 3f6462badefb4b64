import type {
  RejoinCountExponent,
  RejoinTimeExponent,
} from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { isAtLeast, type MacCommandNamed } from '../../lorawan/index.ts';
import {
  current,
  desired,
  type MacRequest,
  takePending,
  type UplinkMacContext,
} from './context.ts';

/** The count always holds; the time only for devices that keep time (LoRaWAN 1.1 §5.14). */
export function handleRejoinParamSetupAns(
  context: UplinkMacContext,
  command: MacCommandNamed<'RejoinParamSetupAns'>,
): void {
  const request = takePending(context.mac, 'RejoinParamSetupReq');
  if (!request) return;
  const { maxCountExponent, maxTimeExponent } = request.fields;
  const parameters = current(context.mac);
  parameters.rejoinCountPeriodicity = maxCountExponent as RejoinCountExponent;
  if (command.fields.maxTimeExponentAck)
    parameters.rejoinTimePeriodicity = maxTimeExponent as RejoinTimeExponent;
  // A device without a clock would be asked for ever.
  else desired(context.mac).rejoinTimePeriodicity = parameters.rejoinTimePeriodicity;
  context.report('rejoin_param_setup.answer', command);
}

/** RejoinParamSetupReq: how often a device sends rejoin-requests of type 0 by itself (LoRaWAN 1.1 §5.14). */
export const rejoinParamSetup: MacRequest = {
  request: 'RejoinParamSetupReq',
  answer: 'RejoinParamSetupAns',
  isSticky: false,
  isDivisible: false,
  build({ mac, macVersion }) {
    if (!isAtLeast(macVersion, '1.1.0')) return [];
    const now = current(mac);
    const wanted = desired(mac);
    const isSame =
      wanted.rejoinCountPeriodicity === now.rejoinCountPeriodicity &&
      wanted.rejoinTimePeriodicity === now.rejoinTimePeriodicity;
    if (isSame) return [];
    const maxCountExponent = wanted.rejoinCountPeriodicity;
    const maxTimeExponent = wanted.rejoinTimePeriodicity;
    return [{ name: 'RejoinParamSetupReq', fields: { maxCountExponent, maxTimeExponent } }];
  },
};
