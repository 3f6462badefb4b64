import { setImmediate as nextTurn } from 'node:timers/promises';
import { createRegistry } from '@bufbuild/protobuf';
import { stringify } from 'csv-stringify/sync';
import { type EndDevice, EndDeviceSchema } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { WholeDevices } from '../../registry/index.ts';
import { messageToJson } from '../json/message-to-json.ts';
import { CSV_COLUMNS } from './csv-columns.ts';
import { converterNotFound } from './errors.ts';
import { CSV_FORMAT, JSON_FORMAT } from './formats.ts';

/** Devices of one piece of the file: few enough that the event loop is not held for long. */
const DEVICES_PER_PIECE = 50;
const DELIMITER = ';';
/** Holds no `google.protobuf.Any`. */
const CONTEXT = { registry: createRegistry() };

export interface ExportOptions {
  readonly applicationId: string;
  readonly formatId: string;
  readonly includeKeys: boolean;
}

/** A piece of the file with the number of devices in it. */
export interface ExportedPiece {
  readonly text: string;
  readonly devices: number;
}

/** Writes pieces of a file; the first call begins it. */
type Writer = (devices: readonly EndDevice[], isFirst: boolean) => string;

function csvWriter(includeKeys: boolean): Writer {
  // The JoinEUI has two columns for reading; one is enough for writing.
  const columns = CSV_COLUMNS.filter(
    ({ name, isKey }) => name !== 'app_eui' && (includeKeys || !isKey),
  );
  return (devices, isFirst) => {
    const rows = devices.map((device) => columns.map((column) => column.write(device)));
    const all = isFirst ? [columns.map(({ name }) => name), ...rows] : rows;
    // Readers take spaces away from the begin of a cell that is not quoted.
    return stringify(all, { delimiter: DELIMITER, quoted_match: /^\s/ });
  };
}

const jsonWriter: Writer = (devices) =>
  devices
    .map((device) => `${JSON.stringify(messageToJson(EndDeviceSchema, device, CONTEXT))}\n`)
    .join('');

function writerOf({ formatId, includeKeys }: ExportOptions): Writer {
  if (formatId === CSV_FORMAT) return csvWriter(includeKeys);
  if (formatId === JSON_FORMAT) return jsonWriter;
  throw converterNotFound({ id: formatId });
}

/**
 * Writes the devices of an application into a file that an import of the same format reads. JSON holds everything, with one
 * device per line; CSV holds what has a column.
 */
export async function* exportDevices(
  registry: WholeDevices,
  options: ExportOptions,
): AsyncGenerator<ExportedPiece> {
  const { applicationId, includeKeys } = options;
  const write = writerOf(options);
  let last = '';
  for (let isFirst = true; ; isFirst = false) {
    const devices = await registry.wholeDevicesAfter(
      applicationId,
      last,
      DEVICES_PER_PIECE,
      includeKeys,
    );
    if (devices.length > 0 || isFirst) {
      yield { text: write(devices, isFirst), devices: devices.length };
    }
    if (devices.length < DEVICES_PER_PIECE) return;
    last = devices.at(-1)?.ids?.deviceId ?? '';
    await nextTurn();
  }
}
