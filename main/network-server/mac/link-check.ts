import { demodulationFloorDb } from '../../lorawan/index.ts';
import type { UplinkMacContext } from './context.ts';
import { unknownDataRate } from './errors.ts';

const MAX_BYTE = 254;

/** LinkCheckReq: margin above the demodulation floor and number of gateways (LoRaWAN 1.1 §5.2). */
export function handleLinkCheckReq(context: UplinkMacContext): void {
  const { modulation, maxSnrDb, gatewayCount } = context;
  context.report('link_check.request');
  const floorDb =
    modulation.kind === 'lora'
      ? demodulationFloorDb(modulation.spreadingFactor, modulation.bandwidthHz)
      : 0;
  if (floorDb === undefined) throw unknownDataRate();
  // Whole decibels; a device may lower its power by them, so they are not rounded up.
  const marginDb = Math.trunc((maxSnrDb ?? floorDb) - floorDb);
  const answer = {
    name: 'LinkCheckAns',
    fields: {
      marginDb: Math.min(Math.max(marginDb, 0), MAX_BYTE),
      gatewayCount: Math.min(gatewayCount, MAX_BYTE + 1),
    },
  } as const;
  context.answer(answer);
  context.report('link_check.answer', answer);
}
