import type { FieldSpan } from '../field-span.ts';
import { formatHex } from '../hex.ts';
import type { Direction } from '../identifiers.ts';
import { macCommandLayout } from '../mac-commands/index.ts';
import { decodeFrame } from './decode.ts';
import { joinAcceptSpans, joinRequestSpans, rejoinRequestSpans } from './join-layout.ts';
import { bitSpan, hexSpan, span } from './span.ts';
import type { DataFrame, DecodedFrame } from './types.ts';

/** What is known of a frame besides its bytes on air. */
export interface FrameLayoutOptions {
  /** FOpts in the clear. Without it the bytes are shown as they are. */
  readonly fOpts?: Uint8Array | undefined;
  /** FRMPayload in the clear. */
  readonly frmPayload?: Uint8Array | undefined;
  /** Whole join-accept in the clear, MHDR and MIC included. */
  readonly joinAccept?: Uint8Array | undefined;
  /** Hz per unit of frequency fields in the band. */
  readonly frequencyMultiplierHz?: number;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function headerSpan(phyPayload: Uint8Array, frame: DecodedFrame): FieldSpan {
  const mhdr = phyPayload[0]!;
  const fType = frame.fType === 'INVALID' ? frame.declaredFType : frame.fType;
  return {
    ...hexSpan('lorawan.mhdr', 'MHDR', phyPayload, 0, 1),
    children: [
      bitSpan('lorawan.mhdr.ftype', 'FType', 0, 0xe0, String(mhdr >> 5), fType),
      bitSpan('lorawan.mhdr.rfu', 'RFU', 0, 0x1c, String((mhdr >> 2) & 0x07)),
      bitSpan(
        'lorawan.mhdr.major',
        'Major',
        0,
        0x03,
        String(mhdr & 0x03),
        (mhdr & 0x03) === 0 ? 'LoRaWAN R1' : 'unknown',
      ),
    ],
  };
}

/** Bits of FCtrl by direction: what bit 6 and bit 4 mean differs (TS001-1.0.4 §4.3.1.2). */
const CONTROL_BITS: Readonly<
  Record<Direction, readonly (readonly [name: string, label: string, mask: number])[]>
> = {
  up: [
    ['adr', 'ADR', 0x80],
    ['adrackreq', 'ADRACKReq', 0x40],
    ['ack', 'ACK', 0x20],
    ['classb', 'ClassB', 0x10],
  ],
  down: [
    ['adr', 'ADR', 0x80],
    ['rfu', 'RFU', 0x40],
    ['ack', 'ACK', 0x20],
    ['fpending', 'FPending', 0x10],
  ],
};

function controlSpan(frame: DataFrame): FieldSpan {
  const { phyPayload, direction } = frame;
  const control = phyPayload[5]!;
  const bits = CONTROL_BITS[direction].map(([name, label, mask]) =>
    bitSpan(
      `lorawan.fhdr.fctrl.${name}`,
      label,
      5,
      mask,
      (control & mask) === 0 ? '0' : '1',
      (control & mask) === 0 ? 'not set' : 'set',
    ),
  );
  const length = String(control & 0x0f);
  return {
    ...hexSpan('lorawan.fhdr.fctrl', 'FCtrl', phyPayload, 5, 1),
    children: [...bits, bitSpan('lorawan.fhdr.fctrl.foptslen', 'FOptsLen', 5, 0x0f, length)],
  };
}

function commands(
  clear: Uint8Array,
  onAir: Uint8Array,
  offset: number,
  frame: DataFrame,
  options: FrameLayoutOptions,
): readonly FieldSpan[] {
  const { frequencyMultiplierHz = 100 } = options;
  const decrypted = !sameBytes(clear, onAir);
  return macCommandLayout(clear, frame.direction, { offset, decrypted, frequencyMultiplierHz });
}

function dataSpans(frame: DataFrame, options: FrameLayoutOptions): readonly FieldSpan[] {
  const { phyPayload, devAddr, fCnt, fOpts, fPort, frmPayload } = frame;
  const fOptsEnd = 8 + fOpts.length;
  const clearFOpts = options.fOpts?.length === fOpts.length ? options.fOpts : undefined;
  const fhdr: FieldSpan = {
    ...hexSpan('lorawan.fhdr', 'FHDR', phyPayload, 1, fOptsEnd - 1),
    children: [
      span('lorawan.fhdr.devaddr', 'DevAddr', 1, 4, devAddr),
      controlSpan(frame),
      span('lorawan.fhdr.fcnt', 'FCnt', 6, 2, String(fCnt)),
      ...(fOpts.length === 0
        ? []
        : [
            {
              ...hexSpan('lorawan.fhdr.fopts', 'FOpts', phyPayload, 8, fOpts.length),
              children: clearFOpts ? commands(clearFOpts, fOpts, 8, frame, options) : [],
            },
          ]),
    ],
  };
  const micStart = phyPayload.length - 4;
  const mic = span('lorawan.mic', 'MIC', micStart, 4, formatHex(frame.mic));
  if (fPort === undefined) return [fhdr, mic];
  const port = span('lorawan.fport', 'FPort', fOptsEnd, 1, String(fPort));
  const meaning = fPort === 0 ? 'MAC commands' : undefined;
  const fPortSpan = meaning ? { ...port, text: meaning } : port;
  if (frmPayload.length === 0) return [fhdr, fPortSpan, mic];
  return [fhdr, fPortSpan, payloadSpan(frame, fOptsEnd + 1, options), mic];
}

function payloadSpan(frame: DataFrame, offset: number, options: FrameLayoutOptions): FieldSpan {
  const { frmPayload, fPort } = frame;
  const clear = options.frmPayload?.length === frmPayload.length ? options.frmPayload : undefined;
  const name = 'lorawan.frmpayload';
  const value = formatHex(clear ?? frmPayload);
  const payload = span(name, 'FRMPayload', offset, frmPayload.length, value);
  if (!clear) return { ...payload, text: 'encrypted' };
  return {
    ...payload,
    decrypted: true,
    children: fPort === 0 ? commands(clear, frmPayload, offset, frame, options) : [],
  };
}

function bodySpans(frame: DecodedFrame, options: FrameLayoutOptions): readonly FieldSpan[] {
  switch (frame.fType) {
    case 'UNCONFIRMED_UP':
    case 'CONFIRMED_UP':
    case 'UNCONFIRMED_DOWN':
    case 'CONFIRMED_DOWN':
      return dataSpans(frame, options);
    case 'JOIN_REQUEST':
      return joinRequestSpans(frame);
    case 'REJOIN_REQUEST':
      return rejoinRequestSpans(frame);
    case 'JOIN_ACCEPT':
      return joinAcceptSpans(frame, options.joinAccept, options.frequencyMultiplierHz);
    case 'PROPRIETARY':
    case 'INVALID': {
      const { phyPayload } = frame;
      if (phyPayload.length < 2) return [];
      const name = frame.fType === 'INVALID' ? 'lorawan.undecoded' : 'lorawan.proprietary';
      const label = frame.fType === 'INVALID' ? 'Not decoded' : 'Proprietary payload';
      return [hexSpan(name, label, phyPayload, 1, phyPayload.length - 1)];
    }
  }
}

/** The fields of a frame, MHDR to MIC, with their places: a tree for an inspector. Never throws. */
export function frameLayout(
  phyPayload: Uint8Array,
  options: FrameLayoutOptions = {},
): readonly FieldSpan[] {
  if (phyPayload.length === 0) return [];
  const frame = decodeFrame(phyPayload);
  return [headerSpan(phyPayload, frame), ...bodySpans(frame, options)];
}
