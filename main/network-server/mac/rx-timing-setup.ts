import type { RxDelay } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  current,
  desired,
  type MacRequest,
  takePending,
  type UplinkMacContext,
} from './context.ts';

/** The device uses the new RX1 delay from now on. */
export function handleRxTimingSetupAns(context: UplinkMacContext): void {
  const request = takePending(context.mac, 'RxTimingSetupReq');
  if (!request) return;
  current(context.mac).rx1Delay = request.fields.delay as RxDelay;
  context.report('rx_timing_setup.answer');
}

/** RXTimingSetupReq: the delay of RX1 (LoRaWAN 1.1 §5.8). */
export const rxTimingSetup: MacRequest = {
  request: 'RxTimingSetupReq',
  answer: 'RxTimingSetupAns',
  isSticky: true,
  isDivisible: false,
  build({ mac }) {
    const delay = desired(mac).rx1Delay;
    if (Math.max(delay, 1) === Math.max(current(mac).rx1Delay, 1)) return [];
    return [{ name: 'RxTimingSetupReq', fields: { delay } }];
  },
};
