import type { MACState } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { MACCommandIdentifier } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { GatehouseError } from '../../base/errors.ts';
import {
  isAtLeast,
  type MacCommand,
  type MacCommandName,
  type MacCommandNamed,
  macCommandRowByName,
} from '../../lorawan/index.ts';
import { adrParamSetup, handleAdrParamSetupAns } from './adr-param-setup.ts';
import type { MacRequest, UplinkMacContext } from './context.ts';
import { devStatus, handleDevStatusAns } from './dev-status.ts';
import { handleDeviceTimeReq } from './device-time.ts';
import { dlChannel, handleDlChannelAns } from './dl-channel.ts';
import { dutyCycle, handleDutyCycleAns } from './duty-cycle.ts';
import { invalidPayload, requestNotFound } from './errors.ts';
import { handleDeviceModeInd, handleRekeyInd, handleResetInd } from './indications.ts';
import { handleLinkAdrAns, linkAdr } from './link-adr.ts';
import { handleLinkCheckReq } from './link-check.ts';
import { handleNewChannelAns, newChannel } from './new-channel.ts';
import { handleRejoinParamSetupAns, rejoinParamSetup } from './rejoin-param-setup.ts';
import { handleRxParamSetupAns, rxParamSetup } from './rx-param-setup.ts';
import { handleRxTimingSetupAns, rxTimingSetup } from './rx-timing-setup.ts';
import { handleTxParamSetupAns, txParamSetup } from './tx-param-setup.ts';

/** Requests in the order in which they go into a downlink. */
export const MAC_REQUESTS: readonly MacRequest[] = [
  dutyCycle,
  txParamSetup,
  rxParamSetup,
  newChannel,
  linkAdr,
  rxTimingSetup,
  dlChannel,
  adrParamSetup,
  rejoinParamSetup,
  devStatus,
];

type Handlers = {
  readonly [N in MacCommandName]?: (context: UplinkMacContext, command: MacCommandNamed<N>) => void;
};

/** What a command of a device does. A command without a row here is reported and left. */
const HANDLERS: Handlers = {
  LinkCheckReq: handleLinkCheckReq,
  LinkAdrAns: handleLinkAdrAns,
  DutyCycleAns: handleDutyCycleAns,
  RxParamSetupAns: handleRxParamSetupAns,
  DevStatusAns: handleDevStatusAns,
  NewChannelAns: handleNewChannelAns,
  RxTimingSetupAns: handleRxTimingSetupAns,
  TxParamSetupAns: handleTxParamSetupAns,
  DlChannelAns: handleDlChannelAns,
  AdrParamSetupAns: handleAdrParamSetupAns,
  DeviceTimeReq: handleDeviceTimeReq,
  RejoinParamSetupAns: handleRejoinParamSetupAns,
  ResetInd: handleResetInd,
  RekeyInd: handleRekeyInd,
  DeviceModeInd: handleDeviceModeInd,
};

/** Whether a command from a device answers one of the network, rather than asking something. */
export function isAnswer(name: MacCommandName): boolean {
  return name.endsWith('Ans');
}

/** Names of answers that devices repeat until they hear a downlink. */
const STICKY_ANSWERS: ReadonlySet<string> = new Set(
  MAC_REQUESTS.filter((request) => request.isSticky).map((request) => request.answer),
);
const STICKY_CIDS: ReadonlyMap<number, string> = new Map(
  MAC_REQUESTS.filter((request) => request.isSticky).map(({ answer }) => [
    macCommandRowByName(answer).cid,
    answer,
  ]),
);

/** Names of answers in the last uplink that the device repeats until it hears a downlink. */
export function stickyAnswers({ recentMacCommandIdentifiers }: MACState): ReadonlySet<string> {
  return new Set(recentMacCommandIdentifiers.flatMap((cid) => STICKY_CIDS.get(cid) ?? []));
}

const cidOf = (name: MacCommandName): MACCommandIdentifier =>
  macCommandRowByName(name).cid as MACCommandIdentifier;

/** Whether the device answers what it was asked; an answer that it only repeats is none. Throws if it was not asked. */
function isAwaited({ mac }: UplinkMacContext, name: MacCommandName): boolean {
  if (!isAnswer(name)) return true;
  const cid = cidOf(name);
  if (mac.pendingRequests.some((request) => request.cid === cid)) return true;
  if (STICKY_ANSWERS.has(name) && mac.recentMacCommandIdentifiers.includes(cid)) return false;
  throw requestNotFound({ cid });
}

/** Number of answers from there on that say the same for one block of LinkADRReqs (LoRaWAN 1.0.2 §5.2 to 1.0.4 §5.2). */
function answersOfBlock({ commands, macVersion }: UplinkMacContext, at: number): number {
  const first = commands[at];
  const copies = isAtLeast(macVersion, '1.0.2') && !isAtLeast(macVersion, '1.1.0');
  if (first?.name !== 'LinkAdrAns' || !copies) return 1;
  const end = commands.findIndex(({ name }, index) => index > at && name !== first.name);
  const block = commands.slice(at, end < 0 ? commands.length : end);
  const text = JSON.stringify(first.fields);
  if (block.some(({ fields }) => JSON.stringify(fields) !== text)) throw invalidPayload();
  return block.length;
}

function carryOut(context: UplinkMacContext, handled: (name: MacCommandName) => void): void {
  const { commands } = context;
  for (let at = 0; at < commands.length; ) {
    const command = commands[at] as MacCommand;
    const handler = HANDLERS[command.name] as
      | ((context: UplinkMacContext, command: MacCommand) => void)
      | undefined;
    if (!handler) {
      context.report('command.unknown', command);
      return;
    }
    const count = answersOfBlock(context, at);
    if (isAwaited(context, command.name)) handler(context, command);
    handled(command.name);
    at += count;
  }
}

/**
 * Carries out the commands of an uplink, up to one that cannot be. What the device left unanswered is forgotten, and
 * asked again if needed.
 */
export function handleUplinkCommands(context: UplinkMacContext): void {
  const sticky: MACCommandIdentifier[] = [];
  const remember = (name: MacCommandName): void => {
    if (STICKY_ANSWERS.has(name)) sticky.push(cidOf(name));
  };
  for (const name of context.repeated) remember(name);
  try {
    carryOut(context, remember);
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error;
    context.reportFailure(error);
  }
  context.mac.recentMacCommandIdentifiers = sticky;
  const { pendingRequests } = context.mac;
  if (pendingRequests.length > 0) context.reportUnanswered(pendingRequests);
  context.mac.pendingRequests = [];
}

export type {
  DeviceStatus,
  MacReport,
  MacRequest,
  RequestContext,
  UplinkMacContext,
} from './context.ts';
export { current, desired, setPending, someChannelAllows } from './context.ts';
export { GPS_EPOCH_MS, LEAP_SECONDS_MS } from './device-time.ts';
export { errorData } from './errors.ts';
export { macCommandData, macCommandMessage, macCommandsData, macEventData } from './payloads.ts';
