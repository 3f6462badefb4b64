import type { MACCommand } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { MacCommand } from '../../lorawan/index.ts';

function maskOfBits(bits: readonly boolean[]): number {
  return bits.reduce((mask, bit, index) => (bit ? mask | (1 << index) : mask), 0);
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
    case 'adrParamSetupReq': {
      const { adrAckLimitExponent, adrAckDelayExponent } = payload.value;
      return { name: 'AdrParamSetupReq', fields: { adrAckLimitExponent, adrAckDelayExponent } };
    }
    case 'rejoinParamSetupReq': {
      const { maxCountExponent, maxTimeExponent } = payload.value;
      return { name: 'RejoinParamSetupReq', fields: { maxCountExponent, maxTimeExponent } };
    }
    default:
      return cid === DEV_STATUS_CID ? { name: 'DevStatusReq', fields: {} } : undefined;
  }
}
