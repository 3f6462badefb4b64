import { create } from '@bufbuild/protobuf';
import type { MACParameters } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import {
  type ADRAckDelayExponent,
  ADRAckDelayExponentValueSchema,
  type ADRAckLimitExponent,
  ADRAckLimitExponentValueSchema,
} from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { type Band, isAtLeast } from '../../lorawan/index.ts';
import {
  current,
  desired,
  type MacRequest,
  takePending,
  type UplinkMacContext,
} from './context.ts';

/** Exponents of ADR_ACK_LIMIT and ADR_ACK_DELAY; the band's where nothing is said. */
function exponents(parameters: MACParameters, band: Band) {
  return {
    adrAckLimitExponent: parameters.adrAckLimitExponent?.value ?? Math.log2(band.adrAckLimit),
    adrAckDelayExponent: parameters.adrAckDelayExponent?.value ?? Math.log2(band.adrAckDelay),
  };
}

/** The device waits for downlinks as long as it was told before it lowers its data rate. */
export function handleAdrParamSetupAns(context: UplinkMacContext): void {
  const request = takePending(context.mac, 'AdrParamSetupReq');
  if (!request) return;
  const { adrAckLimitExponent, adrAckDelayExponent } = request.fields;
  const parameters = current(context.mac);
  parameters.adrAckLimitExponent = create(ADRAckLimitExponentValueSchema, {
    value: adrAckLimitExponent as ADRAckLimitExponent,
  });
  parameters.adrAckDelayExponent = create(ADRAckDelayExponentValueSchema, {
    value: adrAckDelayExponent as ADRAckDelayExponent,
  });
  context.report('adr_param_setup.answer');
}

/** ADRParamSetupReq: ADR_ACK_LIMIT and ADR_ACK_DELAY (LoRaWAN 1.1 §5.11). */
export const adrParamSetup: MacRequest = {
  request: 'AdrParamSetupReq',
  answer: 'AdrParamSetupAns',
  isSticky: false,
  isDivisible: false,
  build({ mac, band, macVersion }) {
    if (!isAtLeast(macVersion, '1.1.0')) return [];
    const now = exponents(current(mac), band);
    const fields = exponents(desired(mac), band);
    const isSame =
      fields.adrAckLimitExponent === now.adrAckLimitExponent &&
      fields.adrAckDelayExponent === now.adrAckDelayExponent;
    return isSame ? [] : [{ name: 'AdrParamSetupReq', fields }];
  },
};
