import { flag, frequency, int, uint } from './fields.ts';
import { row } from './row.ts';

/** Maximum EIRP by the index of TxParamSetupReq, in dBm (LoRaWAN 1.1 §5.9). */
export const MAX_EIRP_DBM: readonly number[] = [
  8, 10, 12, 13, 14, 16, 18, 20, 21, 24, 26, 27, 29, 30, 33, 36,
];

const UNCHANGED = { texts: { 15: 'no change (since 1.0.4 and in 1.1)' } };
const MINOR_VERSION = { texts: { 1: 'LoRaWAN 1.1' } };
const DEVICE_CLASS = { texts: { 0: 'class A', 1: 'reserved', 2: 'class C' } };
const EIRP = {
  texts: Object.fromEntries(MAX_EIRP_DBM.map((dbm, index) => [index, `${dbm} dBm EIRP`])),
};
const powersOfTwo = (unit: string, first = 0) => ({
  texts: Object.fromEntries(
    Array.from({ length: 16 }, (_, n) => [n, `${2 ** (n + first)} ${unit}`]),
  ),
});
const DUTY_CYCLE = {
  texts: Object.fromEntries(Array.from({ length: 16 }, (_, n) => [n, `1/${2 ** n} of the time`])),
};

/** MAC commands of LoRaWAN 1.0 to 1.1, one row per CID and direction. */
export const CORE_ROWS = [
  row(0x01, 'up', 'ResetInd', 'LoRaWAN 1.1 §5.1', 1, [
    uint('minorVersion', 'Minor', 0, 4, MINOR_VERSION),
  ]),
  row(0x01, 'down', 'ResetConf', 'LoRaWAN 1.1 §5.1', 1, [
    uint('minorVersion', 'Minor', 0, 4, MINOR_VERSION),
  ]),
  row(0x02, 'up', 'LinkCheckReq', 'LoRaWAN 1.1 §5.2', 0, []),
  row(0x02, 'down', 'LinkCheckAns', 'LoRaWAN 1.1 §5.2', 2, [
    uint('marginDb', 'Margin', 0, 8, { unit: 'dB', texts: { 255: 'reserved' } }),
    uint('gatewayCount', 'GwCnt', 8, 8),
  ]),
  row(0x03, 'up', 'LinkAdrAns', 'LoRaWAN 1.1 §5.3', 1, [
    flag('channelMaskAck', 'Channel mask ACK', 0),
    flag('dataRateIndexAck', 'Data rate ACK', 1),
    flag('txPowerIndexAck', 'Power ACK', 2),
  ]),
  row(0x03, 'down', 'LinkAdrReq', 'LoRaWAN 1.1 §5.3', 4, [
    uint('txPowerIndex', 'TXPower', 0, 4, UNCHANGED),
    uint('dataRateIndex', 'DataRate', 4, 4, UNCHANGED),
    uint('channelMask', 'ChMask', 8, 16),
    uint('nbTrans', 'NbTrans', 24, 4, { texts: { 0: 'keep' } }),
    uint('channelMaskControl', 'ChMaskCntl', 28, 3),
  ]),
  row(0x04, 'up', 'DutyCycleAns', 'LoRaWAN 1.1 §5.4', 0, []),
  row(0x04, 'down', 'DutyCycleReq', 'LoRaWAN 1.1 §5.4', 1, [
    uint('maxDutyCycle', 'MaxDutyCycle', 0, 4, DUTY_CYCLE),
  ]),
  row(0x05, 'up', 'RxParamSetupAns', 'LoRaWAN 1.1 §5.5', 1, [
    flag('rx2FrequencyAck', 'Channel ACK', 0),
    flag('rx2DataRateIndexAck', 'RX2 data rate ACK', 1),
    flag('rx1DataRateOffsetAck', 'RX1DROffset ACK', 2),
  ]),
  row(0x05, 'down', 'RxParamSetupReq', 'LoRaWAN 1.1 §5.5', 4, [
    uint('rx2DataRateIndex', 'RX2DataRate', 0, 4),
    uint('rx1DataRateOffset', 'RX1DROffset', 4, 3),
    frequency('rx2FrequencyHz', 'Frequency', 8),
  ]),
  row(0x06, 'up', 'DevStatusAns', 'LoRaWAN 1.1 §5.6', 2, [
    uint('battery', 'Battery', 0, 8, { texts: { 0: 'external power', 255: 'cannot measure' } }),
    int('marginDb', 'Margin', 8, 6, { unit: 'dB' }),
  ]),
  row(0x06, 'down', 'DevStatusReq', 'LoRaWAN 1.1 §5.6', 0, []),
  row(0x07, 'up', 'NewChannelAns', 'LoRaWAN 1.1 §5.7', 1, [
    flag('frequencyAck', 'Channel frequency ok', 0),
    flag('dataRateAck', 'Data rate range ok', 1),
  ]),
  row(0x07, 'down', 'NewChannelReq', 'LoRaWAN 1.1 §5.7', 5, [
    uint('channelIndex', 'ChIndex', 0, 8),
    frequency('frequencyHz', 'Freq', 8, { 0: 'remove the channel' }),
    uint('minDataRateIndex', 'MinDR', 32, 4),
    uint('maxDataRateIndex', 'MaxDR', 36, 4),
  ]),
  row(0x08, 'up', 'RxTimingSetupAns', 'LoRaWAN 1.1 §5.8', 0, []),
  row(0x08, 'down', 'RxTimingSetupReq', 'LoRaWAN 1.1 §5.8', 1, [
    uint('delay', 'Del', 0, 4, { unit: 's', texts: { 0: '1 s' } }),
  ]),
  row(0x09, 'up', 'TxParamSetupAns', 'LoRaWAN 1.1 §5.9', 0, []),
  row(0x09, 'down', 'TxParamSetupReq', 'LoRaWAN 1.1 §5.9', 1, [
    uint('maxEirpIndex', 'MaxEIRP', 0, 4, EIRP),
    flag('uplinkDwellTime', 'UplinkDwellTime', 4),
    flag('downlinkDwellTime', 'DownlinkDwellTime', 5),
  ]),
  row(0x0a, 'up', 'DlChannelAns', 'LoRaWAN 1.1 §5.7', 1, [
    flag('frequencyAck', 'Channel frequency ok', 0),
    flag('channelIndexAck', 'Uplink frequency exists', 1),
  ]),
  row(0x0a, 'down', 'DlChannelReq', 'LoRaWAN 1.1 §5.7', 4, [
    uint('channelIndex', 'ChIndex', 0, 8),
    frequency('frequencyHz', 'Freq', 8),
  ]),
  row(0x0b, 'up', 'RekeyInd', 'LoRaWAN 1.1 §5.10', 1, [
    uint('minorVersion', 'Minor', 0, 4, MINOR_VERSION),
  ]),
  row(0x0b, 'down', 'RekeyConf', 'LoRaWAN 1.1 §5.10', 1, [
    uint('minorVersion', 'Minor', 0, 4, MINOR_VERSION),
  ]),
  row(0x0c, 'up', 'AdrParamSetupAns', 'LoRaWAN 1.1 §5.11', 0, []),
  row(0x0c, 'down', 'AdrParamSetupReq', 'LoRaWAN 1.1 §5.11', 1, [
    uint('adrAckDelayExponent', 'Delay_exp', 0, 4, powersOfTwo('uplinks')),
    uint('adrAckLimitExponent', 'Limit_exp', 4, 4, powersOfTwo('uplinks')),
  ]),
  row(0x0d, 'up', 'DeviceTimeReq', 'LoRaWAN 1.1 §5.12', 0, []),
  row(0x0d, 'down', 'DeviceTimeAns', 'LoRaWAN 1.1 §5.12', 5, [
    uint('gpsSeconds', 'Seconds since the GPS epoch', 0, 32, { unit: 's' }),
    uint('fraction', 'Fractional second', 32, 8, { unit: '/ 256 s' }),
  ]),
  row(0x0e, 'down', 'ForceRejoinReq', 'LoRaWAN 1.1 §5.13', 2, [
    uint('dataRateIndex', 'DR', 0, 4),
    uint('rejoinType', 'RejoinType', 4, 3),
    uint('maxRetries', 'Max_Retries', 8, 3),
    uint('periodExponent', 'Period', 11, 3, powersOfTwo('s and up to 32 s more', 5)),
  ]),
  row(0x0f, 'up', 'RejoinParamSetupAns', 'LoRaWAN 1.1 §5.14', 1, [
    flag('maxTimeExponentAck', 'TimeOK', 0),
  ]),
  row(0x0f, 'down', 'RejoinParamSetupReq', 'LoRaWAN 1.1 §5.14', 1, [
    uint('maxCountExponent', 'MaxCountN', 0, 4, powersOfTwo('uplinks', 4)),
    uint('maxTimeExponent', 'MaxTimeN', 4, 4, powersOfTwo('s', 10)),
  ]),
  row(0x10, 'up', 'PingSlotInfoReq', 'LoRaWAN 1.1 §14.1', 1, [
    uint('period', 'Periodicity', 0, 3, powersOfTwo('s')),
  ]),
  row(0x10, 'down', 'PingSlotInfoAns', 'LoRaWAN 1.1 §14.1', 0, []),
  row(0x11, 'up', 'PingSlotChannelAns', 'LoRaWAN 1.1 §14.3', 1, [
    flag('frequencyAck', 'Channel frequency ok', 0),
    flag('dataRateIndexAck', 'Data rate ok', 1),
  ]),
  row(0x11, 'down', 'PingSlotChannelReq', 'LoRaWAN 1.1 §14.3', 4, [
    frequency('frequencyHz', 'Frequency', 0, { 0: 'default of the band' }),
    uint('dataRateIndex', 'DR', 24, 4),
  ]),
  row(0x12, 'up', 'BeaconTimingReq', 'LoRaWAN 1.1 §14.4', 0, []),
  row(0x12, 'down', 'BeaconTimingAns', 'LoRaWAN 1.1 §14.4', 3, [
    uint('delay', 'Delay', 0, 16, { unit: '× 30 ms' }),
    uint('channelIndex', 'Channel', 16, 8),
  ]),
  row(0x13, 'up', 'BeaconFreqAns', 'LoRaWAN 1.1 §14.2', 1, [
    flag('frequencyAck', 'Beacon frequency ok', 0),
  ]),
  row(0x13, 'down', 'BeaconFreqReq', 'LoRaWAN 1.1 §14.2', 3, [
    frequency('frequencyHz', 'Frequency', 0, { 0: 'default of the band' }),
  ]),
  row(0x20, 'up', 'DeviceModeInd', 'LoRaWAN 1.1 §18.1', 1, [
    uint('deviceClass', 'Class', 0, 8, DEVICE_CLASS),
  ]),
  row(0x20, 'down', 'DeviceModeConf', 'LoRaWAN 1.1 §18.1', 1, [
    uint('deviceClass', 'Class', 0, 8, DEVICE_CLASS),
  ]),
] as const;
