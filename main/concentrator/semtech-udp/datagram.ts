import { errorText } from '../../base/errors.ts';
import { isObject, type JsonObject } from './lenient.ts';

/** Types of datagrams of the Semtech UDP protocol, byte 3. */
export const DATAGRAM_TYPE = {
  PUSH_DATA: 0,
  PUSH_ACK: 1,
  PULL_DATA: 2,
  PULL_RESP: 3,
  PULL_ACK: 4,
  TX_ACK: 5,
} as const;

/** Bytes before the gateway EUI: version, token (2), type. */
const HEADER_LENGTH = 4;
/** Bytes before the JSON of a datagram that comes from a gateway. */
export const BODY_OFFSET = 12;

/** Something in a datagram that could not be used. `offset` and `length` point into the datagram. */
export interface DatagramIssue {
  /** Stable code such as `gatehouse/udp:bad_json`. */
  readonly code: string;
  readonly detail: string;
  readonly offset: number;
  readonly length: number;
}

/** The fixed part of a datagram from a gateway. */
export interface DatagramHeader {
  /** Protocol version, 1 or 2; answers carry the same. */
  readonly version: 1 | 2;
  readonly token: number;
  readonly type: 'push_data' | 'pull_data' | 'tx_ack';
  /** 16 upper-case hex digits. */
  readonly gatewayEui: string;
}

export type HeaderResult =
  | { readonly header: DatagramHeader; readonly issue?: never }
  | { readonly header?: never; readonly issue: DatagramIssue };

const HEX_PAIRS = Array.from({ length: 256 }, (_, value) =>
  value.toString(16).toUpperCase().padStart(2, '0'),
);

function euiAt(bytes: Uint8Array, offset: number): string {
  let text = '';
  for (let index = offset; index < offset + 8; index += 1) text += HEX_PAIRS[bytes[index] ?? 0];
  return text;
}

const TYPE_FROM_GATEWAY = new Map<number, DatagramHeader['type']>([
  [DATAGRAM_TYPE.PUSH_DATA, 'push_data'],
  [DATAGRAM_TYPE.PULL_DATA, 'pull_data'],
  [DATAGRAM_TYPE.TX_ACK, 'tx_ack'],
]);

function headerIssue(reason: string, detail: string, offset: number, length: number): HeaderResult {
  return { issue: { code: `gatehouse/udp:${reason}`, detail, offset, length } };
}

/** Reads version, token, type and gateway EUI. Never throws. */
export function parseHeader(bytes: Uint8Array): HeaderResult {
  const version = bytes[0];
  if (version === undefined || bytes.length < HEADER_LENGTH) {
    return headerIssue('too_short', `A datagram has only ${bytes.length} bytes.`, 0, bytes.length);
  }
  if (version !== 1 && version !== 2) {
    return headerIssue('unknown_version', `Protocol version ${version} is not known.`, 0, 1);
  }
  const typeByte = bytes[3] ?? 0;
  const type = TYPE_FROM_GATEWAY.get(typeByte);
  if (type === undefined) {
    return headerIssue('unexpected_type', `No gateway sends datagram type ${typeByte}.`, 3, 1);
  }
  if (bytes.length < BODY_OFFSET) {
    return headerIssue(
      'no_eui',
      `A datagram of ${bytes.length} bytes ends inside the gateway EUI.`,
      HEADER_LENGTH,
      bytes.length - HEADER_LENGTH,
    );
  }
  const gatewayEui = euiAt(bytes, HEADER_LENGTH);
  if (gatewayEui === '0000000000000000') {
    return headerIssue('zero_eui', 'The gateway EUI is all zero: set one in the forwarder.', 4, 8);
  }
  const token = ((bytes[1] ?? 0) << 8) | (bytes[2] ?? 0);
  return { header: { version, token, type, gatewayEui } };
}

export type BodyResult =
  /** Absent `body` without an issue: the datagram has none. */
  | { readonly body?: JsonObject; readonly issue?: never }
  | { readonly body?: never; readonly issue: DatagramIssue };

/** Reads the JSON after the gateway EUI; NUL bytes and blanks around it do not matter. Never throws. */
export function parseBody(bytes: Uint8Array): BodyResult {
  let end = bytes.length;
  while (end > BODY_OFFSET && (bytes[end - 1] ?? 0) <= 0x20) end -= 1;
  if (end <= BODY_OFFSET) return {};
  const length = end - BODY_OFFSET;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + BODY_OFFSET, length).toString('utf8');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    const detail = `The JSON cannot be read: ${errorText(error).slice(0, 120)}`;
    return { issue: { code: 'gatehouse/udp:bad_json', detail, offset: BODY_OFFSET, length } };
  }
  if (isObject(parsed)) return { body: parsed };
  const detail = 'The JSON is not an object.';
  return { issue: { code: 'gatehouse/udp:not_an_object', detail, offset: BODY_OFFSET, length } };
}

/** A PULL_DATA ends after the gateway EUI; what goes on is something else. NUL bytes and blanks do not matter. */
export function checkPullData(bytes: Uint8Array): DatagramIssue | undefined {
  for (let index = BODY_OFFSET; index < bytes.length; index += 1) {
    if ((bytes[index] ?? 0) > 0x20) {
      return {
        code: 'gatehouse/udp:pull_data_too_long',
        detail: `A PULL_DATA has ${bytes.length - BODY_OFFSET} bytes after the gateway EUI.`,
        offset: BODY_OFFSET,
        length: bytes.length - BODY_OFFSET,
      };
    }
  }
  return undefined;
}

/** PUSH_ACK or PULL_ACK for a datagram: its version and token with the type of the answer. */
export function encodeAck(header: DatagramHeader): Uint8Array {
  const type = header.type === 'pull_data' ? DATAGRAM_TYPE.PULL_ACK : DATAGRAM_TYPE.PUSH_ACK;
  return Uint8Array.of(header.version, header.token >> 8, header.token & 0xff, type);
}

/** PULL_RESP with its JSON. */
export function encodePullResp(version: 1 | 2, token: number, json: string): Uint8Array {
  const body = Buffer.from(json, 'utf8');
  const datagram = new Uint8Array(HEADER_LENGTH + body.length);
  datagram.set([version, token >> 8, token & 0xff, DATAGRAM_TYPE.PULL_RESP]);
  datagram.set(body, HEADER_LENGTH);
  return datagram;
}
