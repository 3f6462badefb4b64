import type { DataRateIndex, DataRateOffset } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { MacCommandNamed } from '../../lorawan/index.ts';
import {
  current,
  desired,
  type MacRequest,
  takePending,
  type UplinkMacContext,
} from './context.ts';

/** All three bits set: the parameters hold; otherwise none of them does. */
export function handleRxParamSetupAns(
  context: UplinkMacContext,
  command: MacCommandNamed<'RxParamSetupAns'>,
): void {
  const { fields } = command;
  const request = takePending(context.mac, 'RxParamSetupReq');
  if (!request) return;
  if (!fields.rx1DataRateOffsetAck || !fields.rx2DataRateIndexAck || !fields.rx2FrequencyAck) {
    context.report('rx_param_setup.answer.reject', command);
    return;
  }
  const parameters = current(context.mac);
  parameters.rx1DataRateOffset = request.fields.rx1DataRateOffset as DataRateOffset;
  parameters.rx2DataRateIndex = request.fields.rx2DataRateIndex as DataRateIndex;
  parameters.rx2Frequency = BigInt(request.fields.rx2FrequencyHz);
  context.report('rx_param_setup.answer.accept', command);
}

/** RXParamSetupReq: RX1 data rate offset and RX2 (LoRaWAN 1.1 §5.5). */
export const rxParamSetup: MacRequest = {
  request: 'RxParamSetupReq',
  answer: 'RxParamSetupAns',
  isSticky: true,
  isDivisible: false,
  build({ mac }) {
    const now = current(mac);
    const { rx1DataRateOffset, rx2DataRateIndex, rx2Frequency } = desired(mac);
    const isSame =
      rx1DataRateOffset === now.rx1DataRateOffset &&
      rx2DataRateIndex === now.rx2DataRateIndex &&
      rx2Frequency === now.rx2Frequency;
    if (isSame) return [];
    const rx2FrequencyHz = Number(rx2Frequency);
    return [
      { name: 'RxParamSetupReq', fields: { rx1DataRateOffset, rx2DataRateIndex, rx2FrequencyHz } },
    ];
  },
};
