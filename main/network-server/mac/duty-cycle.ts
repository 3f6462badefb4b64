import type { AggregatedDutyCycle } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  current,
  desired,
  type MacRequest,
  takePending,
  type UplinkMacContext,
} from './context.ts';

/** The device keeps to the new share of air time. */
export function handleDutyCycleAns(context: UplinkMacContext): void {
  const request = takePending(context.mac, 'DutyCycleReq');
  if (!request) return;
  current(context.mac).maxDutyCycle = request.fields.maxDutyCycle as AggregatedDutyCycle;
  context.report('duty_cycle.answer');
}

/** DutyCycleReq: share of air time a device may use (LoRaWAN 1.1 §5.4). */
export const dutyCycle: MacRequest = {
  request: 'DutyCycleReq',
  answer: 'DutyCycleAns',
  isSticky: false,
  isDivisible: false,
  build({ mac }) {
    const { maxDutyCycle } = desired(mac);
    if (maxDutyCycle === current(mac).maxDutyCycle) return [];
    return [{ name: 'DutyCycleReq', fields: { maxDutyCycle } }];
  },
};
