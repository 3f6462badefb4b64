import type { MacCommand, MacCommandName, MacCommandNamed } from '../../lorawan/index.ts';
import { adrParamSetup, handleAdrParamSetupAns } from './adr-param-setup.ts';
import type { MacRequest, UplinkMacContext } from './context.ts';
import { devStatus, handleDevStatusAns } from './dev-status.ts';
import { handleDeviceTimeReq } from './device-time.ts';
import { dlChannel, handleDlChannelAns } from './dl-channel.ts';
import { dutyCycle, handleDutyCycleAns } from './duty-cycle.ts';
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

/** Names of answers that devices repeat until they hear a downlink. */
export const STICKY_ANSWERS: ReadonlySet<string> = new Set(
  MAC_REQUESTS.filter((request) => request.isSticky).map((request) => request.answer),
);

/** Whether a command from a device answers one of the network, rather than asking something. */
export function isAnswer(name: MacCommandName): boolean {
  return name.endsWith('Ans');
}

/** Carries out the commands of an uplink. What the device left unanswered is forgotten, and asked again if needed. */
export function handleUplinkCommands(context: UplinkMacContext): void {
  for (const command of context.commands) {
    const handler = HANDLERS[command.name] as
      | ((context: UplinkMacContext, command: MacCommand) => void)
      | undefined;
    if (handler) handler(context, command);
    else context.report('command.unknown', command);
  }
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
export { current, desired, setPending } from './context.ts';
export { GPS_EPOCH_MS, LEAP_SECONDS_MS } from './device-time.ts';
export { macCommandData, macCommandsData, macEventData } from './payloads.ts';
