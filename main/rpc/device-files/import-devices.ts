import { create } from '@bufbuild/protobuf';
import {
  type ImportDefaults,
  type ImportDevicesRequest,
  type ImportDevicesResponse,
  ImportDevicesResponseSchema,
  type ImportedRow,
  ImportedRowSchema,
  ImportOutcome,
} from '../../api/gen/gatehouse/v1/device_files_pb.js';
import { type EndDevice, EndDeviceSchema } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import {
  ApplicationIdentifiersSchema,
  EndDeviceIdentifiersSchema,
} from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { GatehouseError } from '../../base/errors.ts';
import { formatHex } from '../../lorawan/index.ts';
import type { Registry } from '../../registry/index.ts';
import { describeError } from '../api-errors.ts';
import { validateRequest } from '../validation.ts';
import { decodeText } from './decode-text.ts';
import { importedTwice } from './errors.ts';
import { readDeviceFile } from './formats.ts';
import type { TemplateRow } from './template-row.ts';

/** Devices of one transaction: few enough that the event loop is held for less than 20 ms. */
const ROWS_PER_TRANSACTION = 32;
/** Errors that say that a device is there already. */
const EXISTS = ['id_taken', 'end_device_euis_taken', 'imported_twice'];
/** Failures of the disk, which no other row would escape. */
const STORE = 'gatehouse/store';

export interface ImportPorts {
  readonly registry: Pick<Registry, 'registerEach' | 'tryEach'>;
  readonly nowMs: () => number;
  readonly newSessionKeyId: () => Uint8Array;
}

/** A row on its way: a device to register, or why it will not be. */
interface Prepared {
  readonly line: number;
  readonly deviceId: string;
  readonly device?: EndDevice;
  readonly error?: GatehouseError;
}

function applyDefaults(device: EndDevice, defaults: ImportDefaults | undefined): void {
  if (!defaults) return;
  device.frequencyPlanId ||= defaults.frequencyPlanId;
  device.lorawanVersion ||= defaults.lorawanVersion;
  device.lorawanPhyVersion ||= defaults.lorawanPhyVersion;
  if (device.ids && device.ids.joinEui.length === 0 && defaults.joinEui.length > 0) {
    device.ids.joinEui = defaults.joinEui;
  }
}

/** Makes a device of a file one of ours: of this application and these servers. */
function adopt(device: EndDevice, { applicationIds, defaults }: ImportDevicesRequest): void {
  device.ids ??= create(EndDeviceIdentifiersSchema);
  device.ids.applicationIds = applicationIds ?? create(ApplicationIdentifiersSchema);
  // The session has the address too; the registries of devices that join refuse it here.
  device.ids.devAddr = new Uint8Array();
  device.networkServerAddress = '';
  device.applicationServerAddress = '';
  device.joinServerAddress = '';
  applyDefaults(device, defaults);
}

/** Text of bytes with one character each: what a long file leaves behind has to be small. */
const packed = (...parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString('latin1');

/** Tells devices of a dry run apart that would collide: nothing of theirs is stored. */
function createTwinFinder(): (device: EndDevice) => GatehouseError | undefined {
  const seenIds = new Set<string>();
  const seenEuis = new Set<string>();
  return ({ ids }) => {
    if (!ids) return undefined;
    const { deviceId, devEui, joinEui } = ids;
    const id = packed(Buffer.from(deviceId));
    const euis = devEui.length > 0 && joinEui.length > 0 ? packed(joinEui, devEui) : undefined;
    const twin = seenIds.has(id)
      ? deviceId
      : euis !== undefined && seenEuis.has(euis)
        ? formatHex(devEui)
        : undefined;
    seenIds.add(id);
    if (euis !== undefined) seenEuis.add(euis);
    return twin === undefined ? undefined : importedTwice({ twin });
  };
}

function prepare(row: TemplateRow, request: ImportDevicesRequest, nowMs: number): Prepared {
  if ('error' in row) return { line: row.line, deviceId: '', error: row.error };
  const { line, device } = row;
  adopt(device, request);
  const deviceId = device.ids?.deviceId ?? '';
  try {
    validateRequest(EndDeviceSchema, device, nowMs);
    return { line, deviceId, device };
  } catch (error) {
    if (error instanceof GatehouseError) return { line, deviceId, error };
    throw error;
  }
}

/** The sentences of an error and of its causes. */
function sentences(error: GatehouseError): string {
  return error.cause instanceof GatehouseError
    ? `${error.message} ${sentences(error.cause)}`
    : error.message;
}

function rowMessage({ line, deviceId, error }: Prepared, isDryRun: boolean): ImportedRow {
  if (!error) {
    const outcome = isDryRun ? ImportOutcome.VALID : ImportOutcome.CREATED;
    return create(ImportedRowSchema, { line, deviceId, outcome });
  }
  return create(ImportedRowSchema, {
    line,
    deviceId,
    outcome: EXISTS.includes(error.reason) ? ImportOutcome.EXISTS : ImportOutcome.FAILED,
    error: describeError(error),
    errorText: sentences(error),
  });
}

/** Registers what can be, and answers all rows with what became of them. */
async function registerRows(
  rows: readonly Prepared[],
  register: Registry['registerEach'],
): Promise<Prepared[]> {
  const devices = rows.flatMap(({ device }) => (device ? [device] : []));
  const results = await register(devices);
  let next = 0;
  return rows.map((row) => {
    if (!row.device) return row;
    const result = results[next];
    next += 1;
    if (result?.status !== 'rejected') return row;
    const error: unknown = result.reason;
    if (!(error instanceof GatehouseError) || error.namespace === STORE) throw error;
    return { ...row, error };
  });
}

async function* batchesOfRows(
  rows: AsyncIterable<TemplateRow>,
): AsyncGenerator<readonly TemplateRow[]> {
  let batch: TemplateRow[] = [];
  for await (const row of rows) {
    batch.push(row);
    if (batch.length < ROWS_PER_TRANSACTION) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

const linesOf = (text: string): number => text.split('\n').length - (text.endsWith('\n') ? 1 : 0);

/**
 * Imports the devices of a file into all registries, a transaction per batch of rows. A row that cannot be read or
 * registered is told of, and the import goes on; only a file that goes on in no known way, and a failing disk, end it.
 */
export async function* importDevices(
  request: ImportDevicesRequest,
  { registry, nowMs, newSessionKeyId }: ImportPorts,
): AsyncGenerator<ImportDevicesResponse> {
  const { formatId, data, dryRun } = request;
  const rows = readDeviceFile(formatId, data, { emptyCells: 'absent', newSessionKeyId });
  const linesTotal = linesOf(decodeText(data));
  const twinOf = dryRun ? createTwinFinder() : () => undefined;
  const counts = { created: 0, existing: 0, failed: 0 };
  for await (const batch of batchesOfRows(rows)) {
    const prepared = batch.map((row): Prepared => {
      const one = prepare(row, request, nowMs());
      const twin = one.device && twinOf(one.device);
      return twin ? { line: one.line, deviceId: one.deviceId, error: twin } : one;
    });
    const done = await registerRows(prepared, dryRun ? registry.tryEach : registry.registerEach);
    const messages = done.map((one) => rowMessage(one, dryRun));
    for (const { outcome } of messages) {
      if (outcome === ImportOutcome.EXISTS) counts.existing += 1;
      else if (outcome === ImportOutcome.FAILED) counts.failed += 1;
      else counts.created += 1;
    }
    const linesRead = batch.at(-1)?.line ?? 0;
    yield create(ImportDevicesResponseSchema, { rows: messages, linesRead, linesTotal, ...counts });
  }
  yield create(ImportDevicesResponseSchema, { linesRead: linesTotal, linesTotal, ...counts });
}
