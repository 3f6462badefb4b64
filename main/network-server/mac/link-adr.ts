import type { DataRateIndex } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  applyChannelMask,
  generateChannelMasks,
  isAtLeast,
  type MacCommand,
  type MacCommandNamed,
} from '../../lorawan/index.ts';
import {
  current,
  desired,
  type MacContext,
  type MacRequest,
  type RequestContext,
  rememberInOrder,
  someChannelAllows,
  takePending,
  type UplinkMacContext,
} from './context.ts';

/** Value of data rate and power that leaves them as they are, from 1.0.4 on (TS001-1.0.4 §5.2). */
const UNCHANGED = 15;

type LinkAdrAns = MacCommandNamed<'LinkAdrAns'>;
type LinkAdrReq = MacCommandNamed<'LinkAdrReq'>;

interface RateAndPower {
  readonly dataRateIndex: number;
  readonly txPowerIndex: number;
}

function newChannels(
  requested: readonly MacCommand[],
): readonly MacCommandNamed<'NewChannelReq'>[] {
  return requested.filter((command) => command.name === 'NewChannelReq');
}

/** Channels as they will be once the NewChannelReqs of the same downlink are carried out. */
function channelSets({ mac, band, requested }: RequestContext): {
  readonly now: boolean[];
  readonly wanted: boolean[];
} {
  const known = current(mac).channels;
  const length = Math.max(band.maxUplinkChannels, known.length);
  const now = Array.from({ length }, (_, index) => known[index]?.enableUplink === true);
  const exists = Array.from({ length }, (_, index) => (known[index]?.uplinkFrequency ?? 0n) !== 0n);
  for (const { fields } of newChannels(requested)) {
    now[fields.channelIndex] = fields.frequencyHz !== 0;
    exists[fields.channelIndex] = fields.frequencyHz !== 0;
  }
  const wanted = Array.from(
    { length },
    (_, index) => exists[index] === true && desired(mac).channels[index]?.enableUplink === true,
  );
  return { now, wanted };
}

/** Whether one of the wanted channels allows the data rate. */
function isRateAllowed({ mac }: MacContext, wanted: readonly boolean[], rate: number): boolean {
  return someChannelAllows(
    desired(mac).channels.filter((_, index) => wanted[index]),
    rate,
  );
}

/**
 * Rate and power to ask for: the desired ones, or the nearest below that the device did not refuse before. Undefined if
 * asking again would change nothing.
 */
function rateAndPower(context: RequestContext, masksDiffer: boolean): RateAndPower | undefined {
  const { mac, band, macVersion } = context;
  const { adrDataRateIndex, adrTxPowerIndex, adrNbTrans } = desired(mac);
  const refusedRate = (rate: number): boolean =>
    mac.rejectedAdrDataRateIndexes.includes(rate as DataRateIndex);
  const refusedPower = (power: number): boolean => mac.rejectedAdrTxPowerIndexes.includes(power);
  const now = current(mac);
  const mayKeep = isAtLeast(macVersion, '1.0.4');
  const keepRate = mayKeep && !refusedRate(UNCHANGED);
  const keepPower = mayKeep && !refusedPower(UNCHANGED);
  let rate: number = adrDataRateIndex;
  let power = adrTxPowerIndex;
  if (refusedRate(rate) || refusedPower(power)) {
    if (!masksDiffer && adrNbTrans === now.adrNbTrans) return undefined;
    while (rate > 0 && refusedRate(rate)) {
      rate -= 1;
      power = band.maxTxPowerIndex;
    }
    while (power > 0 && refusedPower(power)) power -= 1;
    if (refusedRate(rate) || refusedPower(power)) {
      rate = now.adrDataRateIndex;
      power = now.adrTxPowerIndex;
    }
  }
  return {
    dataRateIndex: keepRate && rate === now.adrDataRateIndex ? UNCHANGED : rate,
    txPowerIndex: keepPower && power === now.adrTxPowerIndex ? UNCHANGED : power,
  };
}

function build(context: RequestContext): readonly MacCommand[] {
  const { mac, band } = context;
  const { now, wanted } = channelSets(context);
  const before = current(mac);
  const after = desired(mac);
  const masksDiffer = wanted.some((enabled, index) => enabled !== now[index]);
  const isSame =
    !masksDiffer &&
    before.adrDataRateIndex === after.adrDataRateIndex &&
    before.adrTxPowerIndex === after.adrTxPowerIndex &&
    before.adrNbTrans === after.adrNbTrans;
  if (isSame || !wanted.includes(true)) return [];
  if (after.adrTxPowerIndex > band.maxTxPowerIndex) return [];
  if (!isRateAllowed(context, wanted, after.adrDataRateIndex)) return [];
  const values = rateAndPower(context, masksDiffer);
  if (!values) return [];
  if (values.dataRateIndex !== UNCHANGED && !isRateAllowed(context, wanted, values.dataRateIndex))
    return [];
  return generateChannelMasks(band, now, wanted).map((mask) => ({
    name: 'LinkAdrReq',
    fields: { ...values, ...mask, nbTrans: after.adrNbTrans },
  }));
}

/** Parameters of a block of requests that the device took. */
function apply(
  { mac, band, macVersion, fullFCnt }: MacContext,
  block: readonly LinkAdrReq[],
): void {
  const parameters = current(mac);
  let enabled: readonly boolean[] = parameters.channels.map((channel) => channel.enableUplink);
  for (const { fields } of block) enabled = applyChannelMask(band, enabled, fields) ?? enabled;
  for (const [index, channel] of parameters.channels.entries())
    channel.enableUplink = enabled[index] === true && channel.uplinkFrequency !== 0n;
  const last = block.at(-1)?.fields;
  if (!last) return;
  const keeps = (value: number): boolean => value === UNCHANGED && isAtLeast(macVersion, '1.0.4');
  const changes =
    !keeps(last.dataRateIndex) ||
    !keeps(last.txPowerIndex) ||
    (last.nbTrans !== 0 && last.nbTrans !== parameters.adrNbTrans);
  if (!keeps(last.dataRateIndex)) parameters.adrDataRateIndex = last.dataRateIndex as DataRateIndex;
  if (!keeps(last.txPowerIndex)) parameters.adrTxPowerIndex = last.txPowerIndex;
  if (last.nbTrans !== 0) parameters.adrNbTrans = last.nbTrans;
  if (changes) mac.lastAdrChangeFCntUp = fullFCnt;
}

/** The requests that one answer is about: a single one before LoRaWAN 1.0.2, all of the block from then on. */
function answeredBlock({ mac, macVersion }: UplinkMacContext): LinkAdrReq[] {
  const block: LinkAdrReq[] = [];
  for (let next = takePending(mac, 'LinkAdrReq'); next; next = takePending(mac, 'LinkAdrReq')) {
    block.push(next);
    if (!isAtLeast(macVersion, '1.0.2')) break;
  }
  return block;
}

/** The device's answer to LinkADRReqs. Those it is about are taken as a whole or not at all. */
export function handleLinkAdrAns(context: UplinkMacContext, command: LinkAdrAns): void {
  const { mac } = context;
  const block = answeredBlock(context);
  const last = block.at(-1)?.fields;
  if (!last) return;
  const { channelMaskAck, dataRateIndexAck, txPowerIndexAck } = command.fields;
  if (channelMaskAck && dataRateIndexAck && txPowerIndexAck) {
    apply(context, block);
    context.report('link_adr.answer.accept', command);
    return;
  }
  if (!dataRateIndexAck)
    rememberInOrder(mac.rejectedAdrDataRateIndexes, last.dataRateIndex as DataRateIndex);
  if (!txPowerIndexAck) rememberInOrder(mac.rejectedAdrTxPowerIndexes, last.txPowerIndex);
  context.report('link_adr.answer.reject', command);
}

/** LinkADRReq: channels, data rate, power and repetitions of uplinks (LoRaWAN 1.1 §5.3). */
export const linkAdr: MacRequest = {
  request: 'LinkAdrReq',
  answer: 'LinkAdrAns',
  isSticky: false,
  isDivisible: false,
  build,
};
