import { toJson } from '@bufbuild/protobuf';
import { type Frame, FrameSchema } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import { toHex } from '../../formats/bytes.ts';
import { bestSignal, gatewayCount, isUplink, outcomeStyle } from '../../formats/frame-words.ts';
import { formatModulation } from '../../formats/radio.ts';
import { timestampMs } from '../../formats/time.ts';

export type ExportForm = 'jsonl' | 'csv';

type Column = readonly [name: string, value: (frame: Frame) => string | number | undefined];

function isoTime(frame: Frame): string | undefined {
  const ms = timestampMs(frame.time);
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

function jsonText(value: object | undefined): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

/** Columns of the table form. Units stand in the names, so that the file explains itself. */
const COLUMNS: readonly Column[] = [
  ['id', (frame) => String(frame.id)],
  ['time', isoTime],
  ['direction', (frame) => (isUplink(frame) ? 'up' : 'down')],
  ['f_type', (frame) => frame.fType],
  ['application_id', (frame) => frame.endDeviceIds?.applicationIds?.applicationId],
  ['device_id', (frame) => frame.endDeviceIds?.deviceId],
  ['dev_addr', (frame) => toHex(frame.devAddr)],
  ['dev_eui', (frame) => toHex(frame.devEui)],
  ['join_eui', (frame) => toHex(frame.joinEui)],
  ['f_cnt', (frame) => frame.fullFCnt ?? frame.fCnt],
  ['f_port', (frame) => frame.fPort],
  ['frequency_hz', (frame) => String(frame.frequencyHz)],
  ['data_rate_index', (frame) => frame.dataRateIndex],
  ['data_rate', (frame) => formatModulation(frame.dataRate)],
  ['rssi_dbm', (frame) => bestSignal(frame).rssiDbm],
  ['snr_db', (frame) => bestSignal(frame).snrDb],
  ['gateways', gatewayCount],
  ['outcome', (frame) => outcomeStyle(frame.verdict?.outcome).label],
  ['cause', (frame) => frame.verdict?.cause],
  ['phy_payload', (frame) => toHex(frame.phyPayload)],
  ['frm_payload', (frame) => toHex(frame.frmPayload)],
  ['decoded_payload', (frame) => jsonText(frame.decodedPayload)],
];

/** A cell of RFC 4180; what a spreadsheet would take for a formula begins with an apostrophe. */
function cell(value: string | number | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What stands above the frames. */
export function exportHead(form: ExportForm): string {
  return form === 'csv' ? `${COLUMNS.map(([name]) => name).join()}\r\n` : '';
}

/** Frames as lines of the file. Payloads are in the clear as far as they are on screen; keys are never part of a frame. */
export function exportLines(frames: readonly Frame[], form: ExportForm): string {
  if (form === 'csv') {
    return frames.map((frame) => `${COLUMNS.map(([, of]) => cell(of(frame))).join()}\r\n`).join('');
  }
  return frames
    .map((frame) => `${JSON.stringify(toJson(FrameSchema, frame, { useProtoFieldName: true }))}\n`)
    .join('');
}
