import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type AggregatedDutyCycle,
  type DataRateIndex,
  type DataRateOffset,
  type DeviceEIRP,
  type MACCommand,
  type MACCommandIdentifier,
  MACCommandSchema,
  type RxDelay,
} from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { type MacCommand, macCommandRowByName } from '../../lorawan/index.ts';

type Payload = NonNullable<MessageInitShape<typeof MACCommandSchema>['payload']>;

function maskBits(mask: number): boolean[] {
  return Array.from({ length: 16 }, (_, bit) => ((mask >> bit) & 1) === 1);
}

function maskOfBits(bits: readonly boolean[]): number {
  return bits.reduce((mask, bit, index) => (bit ? mask | (1 << index) : mask), 0);
}

/** The API's form of the requests this server sends; others have their number only. */
function payloadOf(command: MacCommand): Payload | undefined {
  switch (command.name) {
    case 'LinkAdrReq':
      return {
        case: 'linkAdrReq',
        value: {
          dataRateIndex: command.fields.dataRateIndex as DataRateIndex,
          txPowerIndex: command.fields.txPowerIndex,
          channelMask: maskBits(command.fields.channelMask),
          channelMaskControl: command.fields.channelMaskControl,
          nbTrans: command.fields.nbTrans,
        },
      };
    case 'DutyCycleReq':
      return {
        case: 'dutyCycleReq',
        value: { maxDutyCycle: command.fields.maxDutyCycle as AggregatedDutyCycle },
      };
    case 'RxParamSetupReq':
      return {
        case: 'rxParamSetupReq',
        value: {
          rx2DataRateIndex: command.fields.rx2DataRateIndex as DataRateIndex,
          rx1DataRateOffset: command.fields.rx1DataRateOffset as DataRateOffset,
          rx2Frequency: BigInt(command.fields.rx2FrequencyHz),
        },
      };
    case 'NewChannelReq':
      return {
        case: 'newChannelReq',
        value: {
          channelIndex: command.fields.channelIndex,
          frequency: BigInt(command.fields.frequencyHz),
          minDataRateIndex: command.fields.minDataRateIndex as DataRateIndex,
          maxDataRateIndex: command.fields.maxDataRateIndex as DataRateIndex,
        },
      };
    case 'RxTimingSetupReq':
      return { case: 'rxTimingSetupReq', value: { delay: command.fields.delay as RxDelay } };
    case 'TxParamSetupReq':
      return {
        case: 'txParamSetupReq',
        value: {
          maxEirpIndex: command.fields.maxEirpIndex as DeviceEIRP,
          uplinkDwellTime: command.fields.uplinkDwellTime,
          downlinkDwellTime: command.fields.downlinkDwellTime,
        },
      };
    case 'DlChannelReq':
      return {
        case: 'dlChannelReq',
        value: {
          channelIndex: command.fields.channelIndex,
          frequency: BigInt(command.fields.frequencyHz),
        },
      };
    default:
      return undefined;
  }
}

/** A request as the stored MAC state holds it. */
export function macCommandMessage(command: MacCommand): MACCommand {
  const payload = payloadOf(command);
  const cid = macCommandRowByName(command.name).cid as MACCommandIdentifier;
  return create(MACCommandSchema, payload ? { cid, payload } : { cid });
}

const DEV_STATUS_CID = 0x06;

/** A stored request; undefined for those this server does not send. */
export function macCommandOfMessage({ cid, payload }: MACCommand): MacCommand | undefined {
  switch (payload.case) {
    case 'linkAdrReq': {
      const { dataRateIndex, txPowerIndex, channelMask, channelMaskControl, nbTrans } =
        payload.value;
      const mask = maskOfBits(channelMask);
      return {
        name: 'LinkAdrReq',
        fields: { dataRateIndex, txPowerIndex, channelMask: mask, channelMaskControl, nbTrans },
      };
    }
    case 'dutyCycleReq':
      return { name: 'DutyCycleReq', fields: { maxDutyCycle: payload.value.maxDutyCycle } };
    case 'rxParamSetupReq': {
      const { rx2DataRateIndex, rx1DataRateOffset, rx2Frequency } = payload.value;
      const rx2FrequencyHz = Number(rx2Frequency);
      return {
        name: 'RxParamSetupReq',
        fields: { rx2DataRateIndex, rx1DataRateOffset, rx2FrequencyHz },
      };
    }
    case 'newChannelReq': {
      const { channelIndex, frequency, minDataRateIndex, maxDataRateIndex } = payload.value;
      return {
        name: 'NewChannelReq',
        fields: {
          channelIndex,
          frequencyHz: Number(frequency),
          minDataRateIndex,
          maxDataRateIndex,
        },
      };
    }
    case 'rxTimingSetupReq':
      return { name: 'RxTimingSetupReq', fields: { delay: payload.value.delay } };
    case 'txParamSetupReq': {
      const { maxEirpIndex, uplinkDwellTime, downlinkDwellTime } = payload.value;
      return {
        name: 'TxParamSetupReq',
        fields: { maxEirpIndex, uplinkDwellTime, downlinkDwellTime },
      };
    }
    case 'dlChannelReq': {
      const { channelIndex, frequency } = payload.value;
      return { name: 'DlChannelReq', fields: { channelIndex, frequencyHz: Number(frequency) } };
    }
    default:
      return cid === DEV_STATUS_CID ? { name: 'DevStatusReq', fields: {} } : undefined;
  }
}
