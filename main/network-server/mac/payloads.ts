import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type ADRAckDelayExponent,
  type ADRAckLimitExponent,
  type AggregatedDutyCycle,
  type Class,
  type DataRateIndex,
  type DataRateOffset,
  type DeviceEIRP,
  type MACCommand,
  type MACCommandIdentifier,
  MACCommandSchema,
  MACCommandsSchema,
  type Minor,
  type PingSlotPeriod,
  type RejoinCountExponent,
  type RejoinPeriodExponent,
  type RejoinRequestType,
  type RejoinTimeExponent,
  type RxDelay,
} from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { EventData } from '../../events/index.ts';
import {
  type MacCommand,
  type MacCommandName,
  type MacCommandNamed,
  macCommandRowByName,
} from '../../lorawan/index.ts';
import { GPS_EPOCH_MS, LEAP_SECONDS_MS } from './device-time.ts';

type Payload = NonNullable<MessageInitShape<typeof MACCommandSchema>['payload']>;
type Payloads = {
  readonly [N in MacCommandName]?: (fields: MacCommandNamed<N>['fields']) => Payload;
};

function maskBits(mask: number): boolean[] {
  return Array.from({ length: 16 }, (_, bit) => ((mask >> bit) & 1) === 1);
}

/** The API's form of requests of the network, and of its answers. */
const DOWNLINK_PAYLOADS: Payloads = {
  ResetConf: ({ minorVersion }) => ({
    case: 'resetConf',
    value: { minorVersion: minorVersion as Minor },
  }),
  LinkCheckAns: ({ marginDb, gatewayCount }) => ({
    case: 'linkCheckAns',
    value: { margin: marginDb, gatewayCount },
  }),
  LinkAdrReq: (fields) => ({
    case: 'linkAdrReq',
    value: {
      dataRateIndex: fields.dataRateIndex as DataRateIndex,
      txPowerIndex: fields.txPowerIndex,
      channelMask: maskBits(fields.channelMask),
      channelMaskControl: fields.channelMaskControl,
      nbTrans: fields.nbTrans,
    },
  }),
  DutyCycleReq: ({ maxDutyCycle }) => ({
    case: 'dutyCycleReq',
    value: { maxDutyCycle: maxDutyCycle as AggregatedDutyCycle },
  }),
  RxParamSetupReq: (fields) => ({
    case: 'rxParamSetupReq',
    value: {
      rx2DataRateIndex: fields.rx2DataRateIndex as DataRateIndex,
      rx1DataRateOffset: fields.rx1DataRateOffset as DataRateOffset,
      rx2Frequency: BigInt(fields.rx2FrequencyHz),
    },
  }),
  NewChannelReq: (fields) => ({
    case: 'newChannelReq',
    value: {
      channelIndex: fields.channelIndex,
      frequency: BigInt(fields.frequencyHz),
      minDataRateIndex: fields.minDataRateIndex as DataRateIndex,
      maxDataRateIndex: fields.maxDataRateIndex as DataRateIndex,
    },
  }),
  RxTimingSetupReq: ({ delay }) => ({
    case: 'rxTimingSetupReq',
    value: { delay: delay as RxDelay },
  }),
  TxParamSetupReq: (fields) => ({
    case: 'txParamSetupReq',
    value: { ...fields, maxEirpIndex: fields.maxEirpIndex as DeviceEIRP },
  }),
  DlChannelReq: ({ channelIndex, frequencyHz }) => ({
    case: 'dlChannelReq',
    value: { channelIndex, frequency: BigInt(frequencyHz) },
  }),
  AdrParamSetupReq: (fields) => ({
    case: 'adrParamSetupReq',
    value: {
      adrAckLimitExponent: fields.adrAckLimitExponent as ADRAckLimitExponent,
      adrAckDelayExponent: fields.adrAckDelayExponent as ADRAckDelayExponent,
    },
  }),
  ForceRejoinReq: (fields) => ({
    case: 'forceRejoinReq',
    value: {
      rejoinType: fields.rejoinType as RejoinRequestType,
      dataRateIndex: fields.dataRateIndex as DataRateIndex,
      maxRetries: fields.maxRetries,
      periodExponent: fields.periodExponent as RejoinPeriodExponent,
    },
  }),
  RejoinParamSetupReq: (fields) => ({
    case: 'rejoinParamSetupReq',
    value: {
      maxCountExponent: fields.maxCountExponent as RejoinCountExponent,
      maxTimeExponent: fields.maxTimeExponent as RejoinTimeExponent,
    },
  }),
  PingSlotChannelReq: ({ frequencyHz, dataRateIndex }) => ({
    case: 'pingSlotChannelReq',
    value: {
      frequency: BigInt(frequencyHz),
      dataRateIndex: dataRateIndex as DataRateIndex,
    },
  }),
  BeaconTimingAns: (fields) => ({ case: 'beaconTimingAns', value: fields }),
  BeaconFreqReq: ({ frequencyHz }) => ({
    case: 'beaconFreqReq',
    value: { frequency: BigInt(frequencyHz) },
  }),
  RekeyConf: ({ minorVersion }) => ({
    case: 'rekeyConf',
    value: { minorVersion: minorVersion as Minor },
  }),
  DeviceTimeAns: ({ gpsSeconds, fraction }) => ({
    case: 'deviceTimeAns',
    value: {
      time: timestampFromMs(
        gpsSeconds * 1000 + (fraction * 1000) / 256 + GPS_EPOCH_MS - LEAP_SECONDS_MS,
      ),
    },
  }),
  DeviceModeConf: ({ deviceClass }) => ({
    case: 'deviceModeConf',
    value: { class: deviceClass as Class },
  }),
};

/** The API's form of what devices answer, and ask. */
const UPLINK_PAYLOADS: Payloads = {
  ResetInd: ({ minorVersion }) => ({
    case: 'resetInd',
    value: { minorVersion: minorVersion as Minor },
  }),
  LinkAdrAns: (fields) => ({ case: 'linkAdrAns', value: fields }),
  RxParamSetupAns: (fields) => ({ case: 'rxParamSetupAns', value: fields }),
  DevStatusAns: ({ battery, marginDb }) => ({
    case: 'devStatusAns',
    value: { battery, margin: marginDb },
  }),
  NewChannelAns: (fields) => ({ case: 'newChannelAns', value: fields }),
  DlChannelAns: (fields) => ({ case: 'dlChannelAns', value: fields }),
  RekeyInd: ({ minorVersion }) => ({
    case: 'rekeyInd',
    value: { minorVersion: minorVersion as Minor },
  }),
  RejoinParamSetupAns: (fields) => ({ case: 'rejoinParamSetupAns', value: fields }),
  PingSlotInfoReq: ({ period }) => ({
    case: 'pingSlotInfoReq',
    value: { period: period as PingSlotPeriod },
  }),
  PingSlotChannelAns: (fields) => ({ case: 'pingSlotChannelAns', value: fields }),
  BeaconFreqAns: (fields) => ({ case: 'beaconFreqAns', value: fields }),
  DeviceModeInd: ({ deviceClass }) => ({
    case: 'deviceModeInd',
    value: { class: deviceClass as Class },
  }),
};

const PAYLOADS: Payloads = { ...DOWNLINK_PAYLOADS, ...UPLINK_PAYLOADS };

/** A command in the API's form; those that carry nothing have their number only. */
export function macCommandMessage(command: MacCommand): MACCommand {
  const build = PAYLOADS[command.name] as ((fields: unknown) => Payload) | undefined;
  const payload = build?.(command.fields);
  const cid = macCommandRowByName(command.name).cid as MACCommandIdentifier;
  return create(MACCommandSchema, payload ? { cid, payload } : { cid });
}

/** Data of an event about a command: what the command carries; undefined if it carries nothing. */
export function macEventData(command: MacCommand): EventData | undefined {
  const { payload } = macCommandMessage(command);
  const field = MACCommandSchema.fields.find(({ localName }) => localName === payload.case);
  if (field?.fieldKind !== 'message' || typeof payload.value !== 'object') return undefined;
  return { schema: field.message, message: payload.value as EventData['message'] };
}

/** Data of an event about a command that is not handled: the whole command. */
export function macCommandData(command: MessageInitShape<typeof MACCommandSchema>): EventData {
  return { schema: MACCommandSchema, message: create(MACCommandSchema, command) };
}

/** Data of an event about several commands. */
export function macCommandsData(commands: readonly MACCommand[]): EventData {
  const message = create(MACCommandsSchema, { commands: [...commands] });
  return { schema: MACCommandsSchema, message };
}
