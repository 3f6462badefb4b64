import type { FieldSpan } from '../field-span.ts';
import { formatHex } from '../hex.ts';
import { parseCfList } from '../regional/cf-list.ts';
import { decodeJoinAcceptBody, type OpenedJoinAccept } from './join-accept.ts';
import { bitSpan, hexSpan, span } from './span.ts';
import type { JoinAcceptFrame, JoinRequestFrame, RejoinRequestFrame } from './types.ts';

/** Fields of a join-request behind MHDR. */
export function joinRequestSpans(frame: JoinRequestFrame): readonly FieldSpan[] {
  const { joinEui, devEui, devNonce, mic } = frame;
  return [
    span('lorawan.join_request.joineui', 'JoinEUI', 1, 8, joinEui),
    span('lorawan.join_request.deveui', 'DevEUI', 9, 8, devEui),
    span('lorawan.join_request.devnonce', 'DevNonce', 17, 2, String(devNonce)),
    span('lorawan.mic', 'MIC', 19, 4, formatHex(mic)),
  ];
}

/** Fields of a rejoin-request behind MHDR. */
export function rejoinRequestSpans(frame: RejoinRequestFrame): readonly FieldSpan[] {
  const { rejoinType, devEui, rjCount, mic } = frame;
  const type = span('lorawan.rejoin_request.type', 'Rejoin type', 1, 1, String(rejoinType));
  const home =
    frame.rejoinType === 1
      ? span('lorawan.rejoin_request.joineui', 'JoinEUI', 2, 8, frame.joinEui)
      : span('lorawan.rejoin_request.netid', 'NetID', 2, 3, frame.netId);
  const next = 2 + home.length;
  const counter = rejoinType === 1 ? 'RJcount1' : 'RJcount0';
  return [
    type,
    home,
    span('lorawan.rejoin_request.deveui', 'DevEUI', next, 8, devEui),
    span('lorawan.rejoin_request.rjcount', counter, next + 8, 2, String(rjCount)),
    span('lorawan.mic', 'MIC', next + 10, 4, formatHex(mic)),
  ];
}

const PREFIX = 'lorawan.join_accept';

function dlSettingsSpan(plain: Uint8Array, content: OpenedJoinAccept): FieldSpan {
  const { optNeg, rx1DrOffset, rx2Dr } = content.dlSettings;
  const name = `${PREFIX}.dlsettings`;
  const version = optNeg ? 'LoRaWAN 1.1' : 'LoRaWAN 1.0.x';
  return {
    ...hexSpan(name, 'DLSettings', plain, 11, 1),
    children: [
      bitSpan(`${name}.optneg`, 'OptNeg', 11, 0x80, optNeg ? '1' : '0', version),
      bitSpan(`${name}.rx1droffset`, 'RX1DROffset', 11, 0x70, String(rx1DrOffset)),
      bitSpan(`${name}.rx2dr`, 'RX2DataRate', 11, 0x0f, String(rx2Dr)),
    ],
  };
}

function cfListSpan(plain: Uint8Array, bytes: Uint8Array, multiplierHz: number): FieldSpan {
  const name = `${PREFIX}.cflist`;
  const list = parseCfList(bytes, multiplierHz);
  const type = span(`${name}.type`, 'CFListType', 28, 1, String(bytes[15]));
  const channels =
    list?.type === 'FREQUENCIES'
      ? list.frequenciesHz.map((frequencyHz, index) =>
          span(
            `${name}.freq`,
            `Frequency ${index + 1}`,
            13 + 3 * index,
            3,
            frequencyHz === undefined ? 'none' : `${(frequencyHz / 1e6).toFixed(3)} MHz`,
          ),
        )
      : [hexSpan(`${name}.chmask`, 'Channel masks', plain, 13, 15)];
  return {
    ...hexSpan(name, 'CFList', plain, 13, 16),
    children: [...channels, type],
  };
}

function decryptedSpan(field: FieldSpan): FieldSpan {
  return { ...field, decrypted: true, children: field.children.map(decryptedSpan) };
}

/** Fields of a join-accept behind MHDR; one encrypted field without its clear bytes. */
export function joinAcceptSpans(
  frame: JoinAcceptFrame,
  plain: Uint8Array | undefined,
  frequencyMultiplierHz = 100,
): readonly FieldSpan[] {
  const { phyPayload } = frame;
  const content = plain?.length === phyPayload.length ? decodeJoinAcceptBody(plain) : undefined;
  if (!plain || !content) {
    const rest = hexSpan(
      `${PREFIX}.encrypted`,
      'Join-accept',
      phyPayload,
      1,
      phyPayload.length - 1,
    );
    return [{ ...rest, text: 'encrypted' }];
  }
  const { joinNonce, netId, devAddr, rxDelay, cfList, mic } = content;
  const delay = span(`${PREFIX}.rxdelay`, 'RxDelay', 12, 1, `${rxDelay} s`);
  const fields = [
    span(`${PREFIX}.joinnonce`, 'JoinNonce', 1, 3, String(joinNonce)),
    span(`${PREFIX}.netid`, 'NetID', 4, 3, netId),
    span(`${PREFIX}.devaddr`, 'DevAddr', 7, 4, devAddr),
    dlSettingsSpan(plain, content),
    rxDelay === 0 ? { ...delay, text: '1 s' } : delay,
    ...(cfList ? [cfListSpan(plain, cfList, frequencyMultiplierHz)] : []),
    span('lorawan.mic', 'MIC', plain.length - 4, 4, formatHex(mic)),
  ];
  return fields.map(decryptedSpan);
}
