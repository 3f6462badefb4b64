import { bytesField, devAddrField, flag, frequency, offsetNumber, uint } from './fields.ts';
import { row } from './row.ts';

const SECTION = 'TS011';

function texts(...values: readonly string[]): { readonly texts: Readonly<Record<number, string>> } {
  return { texts: Object.fromEntries(values.map((text, index) => [index, text])) };
}

const ACK_OFFSET = texts('none', '200 kHz', '400 kHz', '800 kHz', '1.6 MHz', '3.2 MHz');
const SECOND_CHANNEL = texts('no second channel', 'second channel used');
const BUCKET_SIZE = texts(
  '1 × reload rate',
  '2 × reload rate',
  '4 × reload rate',
  '12 × reload rate',
);
const HOURLY = { unit: 'per hour', texts: { 127: 'no limit' } };
const NO_SECOND_CHANNEL = { 0: 'no second channel' };

/** MAC commands of relays, one row per CID and direction. */
export const RELAY_ROWS = [
  row(0x40, 'up', 'RelayConfAns', SECTION, 1, [
    flag('secondChannelFrequencyAck', 'SecondChFreqACK', 0),
    flag('secondChannelAckOffsetAck', 'SecondChAckOffsetACK', 1),
    flag('secondChannelDataRateIndexAck', 'SecondChDRACK', 2),
    flag('secondChannelIndexAck', 'SecondChIdxACK', 3),
    flag('defaultChannelIndexAck', 'DefaultChIdxACK', 4),
    flag('cadPeriodicityAck', 'CADPeriodicityACK', 5),
  ]),
  row(0x40, 'down', 'RelayConfReq', SECTION, 5, [
    uint('secondChAckOffset', 'SecondChAckOffset', 0, 3, ACK_OFFSET),
    uint('secondChDataRate', 'SecondChDR', 3, 4),
    uint('secondChIndex', 'SecondChIdx', 7, 2, SECOND_CHANNEL),
    uint('defaultChIndex', 'DefaultChIdx', 9, 1),
    uint(
      'cadPeriodicity',
      'CADPeriodicity',
      10,
      3,
      texts('1 s', '500 ms', '250 ms', '100 ms', '50 ms', '20 ms'),
    ),
    flag('startStop', 'StartStop', 13),
    frequency('secondChFrequencyHz', 'SecondChFreq', 16, NO_SECOND_CHANNEL),
  ]),
  row(0x41, 'up', 'EndDeviceConfAns', SECTION, 1, [
    flag('secondChannelFrequencyAck', 'SecondChFreqACK', 0),
    flag('secondChannelDataRateIndexAck', 'SecondChDRACK', 1),
    flag('secondChannelIndexAck', 'SecondChIdxACK', 2),
    flag('backoffAck', 'BackoffACK', 3),
  ]),
  row(0x41, 'down', 'EndDeviceConfReq', SECTION, 6, [
    uint(
      'smartEnableLevel',
      'SmartEnableLevel',
      0,
      2,
      texts('8 uplinks', '16 uplinks', '32 uplinks', '64 uplinks'),
    ),
    uint('mode', 'Mode', 2, 2, texts('disabled', 'always', 'dynamic', 'end device controlled')),
    uint('secondChAckOffset', 'SecondChAckOffset', 8, 3, ACK_OFFSET),
    uint('secondChDataRate', 'SecondChDR', 11, 4),
    uint('secondChIndex', 'SecondChIdx', 15, 2, SECOND_CHANNEL),
    uint('backoff', 'Backoff', 17, 6, { unit: 'frames' }),
    frequency('secondChFrequencyHz', 'SecondChFreq', 24, NO_SECOND_CHANNEL),
  ]),
  row(0x42, 'up', 'FilterListAns', SECTION, 1, [
    flag('actionAck', 'ActionACK', 0),
    flag('lengthAck', 'LengthACK', 1),
    flag('combinedRulesAck', 'CombinedRulesACK', 2),
  ]),
  row(
    0x42,
    'down',
    'FilterListReq',
    SECTION,
    2,
    [
      uint('euiLength', 'Length', 0, 5, { unit: 'bytes' }),
      uint('action', 'Action', 5, 2, texts('no rule', 'forward', 'filter')),
      uint('index', 'Idx', 7, 4),
      bytesField('eui', 'JoinEUI and DevEUI prefix', 16, undefined),
    ],
    'euiLength',
  ),
  row(0x43, 'up', 'UpdateUplinkListAns', SECTION, 0, []),
  row(0x43, 'down', 'UpdateUplinkListReq', SECTION, 26, [
    uint('ruleIndex', 'Idx', 0, 4),
    uint('reloadRate', 'ReloadRate', 8, 6, { unit: 'per hour', texts: { 63: 'no limit' } }),
    uint('bucketSize', 'BucketSize', 14, 2, BUCKET_SIZE),
    devAddrField(16),
    uint('wFCnt', 'WFCnt', 48, 32),
    bytesField('rootWorSKey', 'RootWorSKey', 80, 128, true),
  ]),
  row(0x44, 'up', 'CtrlUplinkListAns', SECTION, 5, [
    flag('ruleIndexAck', 'UplinkListIdxACK', 0),
    uint('wFCnt', 'WFCnt', 8, 32),
  ]),
  row(0x44, 'down', 'CtrlUplinkListReq', SECTION, 1, [
    uint('ruleIndex', 'Idx', 0, 4),
    uint('action', 'Action', 4, 1, texts('read WFCnt', 'remove the device')),
  ]),
  row(0x45, 'up', 'ConfigureFwdLimitAns', SECTION, 0, []),
  row(0x45, 'down', 'ConfigureFwdLimitReq', SECTION, 5, [
    uint('overallReloadRate', 'OverallReloadRate', 0, 7, HOURLY),
    uint('globalUplinkReloadRate', 'GlobalUplinkReloadRate', 7, 7, HOURLY),
    uint('notifyReloadRate', 'NotifyReloadRate', 14, 7, HOURLY),
    uint('joinRequestReloadRate', 'JoinReqReloadRate', 21, 7, HOURLY),
    uint(
      'resetLimitCounter',
      'ResetLimitCounter',
      28,
      2,
      texts('to zero', 'to the reload rate', 'to the maximum', 'no reset'),
    ),
    uint('overallBucketSize', 'OverallBucketSize', 32, 2, BUCKET_SIZE),
    uint('globalUplinkBucketSize', 'GlobalUplinkBucketSize', 34, 2, BUCKET_SIZE),
    uint('notifyBucketSize', 'NotifyBucketSize', 36, 2, BUCKET_SIZE),
    uint('joinRequestBucketSize', 'JoinReqBucketSize', 38, 2, BUCKET_SIZE),
  ]),
  row(0x46, 'up', 'NotifyNewEndDeviceReq', SECTION, 6, [
    offsetNumber('worSnrDb', 'WORSNR', 0, 5, { origin: -20, sign: 1, unit: 'dB' }),
    offsetNumber('worRssiDbm', 'WORRSSI', 5, 7, { origin: -15, sign: -1, unit: 'dBm' }),
    devAddrField(16),
  ]),
] as const;
