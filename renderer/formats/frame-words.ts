import {
  Direction,
  type Evidence,
  type Frame,
  Outcome,
  StageKind,
} from '../../main/api/gen/gatehouse/v1/frames_pb.js';
import { toHex } from './bytes.ts';

const FRAME_TYPES: Readonly<Record<string, string>> = {
  JOIN_REQUEST: 'Join request',
  JOIN_ACCEPT: 'Join accept',
  UNCONFIRMED_UP: 'Unconfirmed up',
  UNCONFIRMED_DOWN: 'Unconfirmed down',
  CONFIRMED_UP: 'Confirmed up',
  CONFIRMED_DOWN: 'Confirmed down',
  REJOIN_REQUEST: 'Rejoin request',
  PROPRIETARY: 'Proprietary',
  INVALID: 'Not LoRaWAN',
};

export function frameTypeLabel(fType: string): string {
  return FRAME_TYPES[fType] ?? fType;
}

export interface OutcomeStyle {
  readonly label: string;
  readonly color: string;
}

const OUTCOMES: Readonly<Record<Outcome, OutcomeStyle>> = {
  [Outcome.UNSPECIFIED]: { label: 'Undecided', color: 'gray' },
  [Outcome.ACCEPTED]: { label: 'Accepted', color: 'teal' },
  [Outcome.DUPLICATE]: { label: 'Duplicate', color: 'yellow' },
  [Outcome.FORWARDED]: { label: 'Forwarded', color: 'indigo' },
  [Outcome.DROPPED]: { label: 'Dropped', color: 'red' },
  [Outcome.NOT_PROCESSED]: { label: 'Not processed', color: 'gray' },
  [Outcome.SCHEDULED]: { label: 'Scheduled', color: 'blue' },
  [Outcome.TRANSMITTED]: { label: 'Transmitted', color: 'teal' },
  [Outcome.FAILED]: { label: 'Failed', color: 'red' },
};

export function outcomeStyle(outcome: Outcome | undefined): OutcomeStyle {
  return OUTCOMES[outcome ?? Outcome.UNSPECIFIED] ?? OUTCOMES[Outcome.UNSPECIFIED];
}

const STAGES: Readonly<Record<StageKind, string>> = {
  [StageKind.UNSPECIFIED]: 'Stage',
  [StageKind.GATEWAY]: 'Gateway',
  [StageKind.NETWORK]: 'Network Server',
  [StageKind.JOIN]: 'Join Server',
  [StageKind.APPLICATION]: 'Application Server',
  [StageKind.PACKET_BROKER]: 'Packet Broker',
};

export function stageLabel(kind: StageKind): string {
  return STAGES[kind] ?? 'Stage';
}

/** How words of codes are written where capitals matter. */
const SPELLING: Readonly<Record<string, string>> = {
  mic: 'MIC',
  dev: 'Dev',
  eui: 'EUI',
  adr: 'ADR',
  mac: 'MAC',
  crc: 'CRC',
  snr: 'SNR',
  rssi: 'RSSI',
  rx: 'RX',
  tx: 'TX',
  id: 'ID',
  rx1: 'RX1',
  rx2: 'RX2',
  lorawan: 'LoRaWAN',
  gps: 'GPS',
  json: 'JSON',
  udp: 'UDP',
  nwk: 'Nwk',
};

/** Pairs that are one word in the field's language. */
const COMPOUNDS: readonly (readonly [RegExp, string])[] = [
  [/\bdev eui\b/gi, 'DevEUI'],
  [/\bjoin eui\b/gi, 'JoinEUI'],
  [/\bdev addr\b/gi, 'DevAddr'],
  [/\bdev nonce\b/gi, 'DevNonce'],
  [/\bjoin nonce\b/gi, 'JoinNonce'],
  [/\bnet id\b/gi, 'NetID'],
  [/\bapp key\b/gi, 'AppKey'],
  [/\bf cnt\b/gi, 'FCnt'],
  [/\bf port\b/gi, 'FPort'],
];

/** A snake-case code in words: `dev_nonce_too_small` → `DevNonce too small`. */
export function codeInWords(code: string): string {
  const words = code
    .replaceAll('_', ' ')
    .split(' ')
    .map((word) => SPELLING[word] ?? word)
    .join(' ');
  const joined = COMPOUNDS.reduce((text, [pattern, word]) => text.replace(pattern, word), words);
  return joined.charAt(0).toUpperCase() + joined.slice(1);
}

export function evidenceText(evidence: Evidence): string {
  const unit = evidence.unit === '' ? '' : ` ${evidence.unit}`;
  switch (evidence.value.case) {
    case 'text':
      return `${evidence.value.value}${unit}`;
    case 'number':
      return `${Number(evidence.value.value.toFixed(3))}${unit}`;
    case 'flag':
      return evidence.value.value ? 'yes' : 'no';
    case 'data':
      return toHex(evidence.value.value);
    case undefined:
      return '–';
  }
}

export function isUplink(frame: Frame): boolean {
  return frame.direction !== Direction.DOWNLINK;
}

/** Whom a frame belongs to, as one cell: device id, else DevAddr, else DevEUI. */
export function frameSubject(frame: Frame): string {
  const deviceId = frame.endDeviceIds?.deviceId;
  if (deviceId !== undefined && deviceId !== '') return deviceId;
  if (frame.devAddr.length > 0) return toHex(frame.devAddr);
  if (frame.devEui.length > 0) return toHex(frame.devEui);
  return '–';
}

/** The best measurement of all receptions. */
export function bestSignal(frame: Frame): {
  readonly rssiDbm: number | undefined;
  readonly snrDb: number | undefined;
} {
  const antennas = frame.receptions.flatMap((reception) => reception.antennas);
  let best = antennas[0];
  for (const antenna of antennas) {
    if ((antenna.snrDb ?? -999) > (best?.snrDb ?? -999)) best = antenna;
  }
  return { rssiDbm: best?.channelRssiDbm, snrDb: best?.snrDb };
}

/** Gateways that heard or send the frame. */
export function gatewayCount(frame: Frame): number {
  if (!isUplink(frame)) return frame.transmission === undefined ? 0 : 1;
  return new Set(frame.receptions.map((reception) => toHex(reception.gatewayEui))).size;
}

function searchText(frame: Frame): string {
  return [
    frame.endDeviceIds?.deviceId ?? '',
    toHex(frame.devAddr),
    toHex(frame.devEui),
    toHex(frame.joinEui),
    ...frame.receptions.flatMap(({ gatewayId, gatewayEui }) => [gatewayId, toHex(gatewayEui)]),
    frame.transmission?.gatewayId ?? '',
    frame.fType,
    frameTypeLabel(frame.fType),
    frame.verdict?.cause ?? '',
    outcomeStyle(frame.verdict?.outcome).label,
  ]
    .join('\n')
    .toLowerCase();
}

/** Whether the text occurs in the frame's device id, EUIs, DevAddr, gateways, type or cause. */
export function frameMatches(frame: Frame, filter: string): boolean {
  const wanted = filter.trim().toLowerCase();
  return wanted === '' || searchText(frame).includes(wanted);
}
