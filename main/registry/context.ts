import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs, ValueSchema } from '@bufbuild/protobuf/wkt';
import {
  type EndDevice,
  EndDeviceSchema,
  type MACState,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import {
  type EndDeviceIdentifiers,
  EndDeviceIdentifiersSchema,
} from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import type { Clock } from '../base/clock.ts';
import { deviceEntity, type EntityRef, type EventData, type EventInput } from '../events/index.ts';
import { type DevEui, eui64FromBytes, eui64ToBytes, type JoinEui } from '../lorawan/index.ts';
import type { DeviceRow, Store } from '../store/index.ts';
import { copyMessage } from './copy-message.ts';
import { pickByPaths } from './masks.ts';

export type RegistryName = 'identity' | 'join' | 'network' | 'application';

export interface RegistryChange {
  readonly registry: RegistryName;
  readonly applicationId: string;
  readonly deviceId: string;
  readonly kind: 'set' | 'delete';
}

/** What a unit of work tells others: caches at once, events after its commit. */
export interface Effects {
  changed(registry: RegistryName, ids: DeviceIds, kind: 'set' | 'delete'): void;
  /** @param changedPaths fields that an update changes */
  event(
    name: string,
    entities: EntityRef | readonly EntityRef[],
    changedPaths?: readonly string[],
  ): void;
}

/** What the registries share. */
export interface RegistryContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly newMacState: (device: EndDevice) => MACState;
  now(): Timestamp;
  transact<T>(work: (effects: Effects) => T): Promise<T>;
}

/** Identifiers of a device as strings. */
export interface DeviceIds {
  readonly applicationId: string;
  readonly deviceId: string;
  readonly joinEui?: JoinEui;
  readonly devEui?: DevEui;
}

/** Data of the event that an update happened: what it changed. */
function pathsData(paths: readonly string[]): EventData {
  const values = paths.map((path) => ({ kind: { case: 'stringValue' as const, value: path } }));
  const message = create(ValueSchema, { kind: { case: 'listValue', value: { values } } });
  return { schema: ValueSchema, message };
}

export function createContext(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly publish: (event: EventInput) => void;
  readonly newMacState: (device: EndDevice) => MACState;
  readonly notify: (change: RegistryChange) => void;
}): RegistryContext {
  const { store, clock, publish, newMacState, notify } = options;
  return {
    store,
    clock,
    newMacState,
    now: () => timestampFromMs(clock.now()),
    async transact(work) {
      const changes: RegistryChange[] = [];
      const events: EventInput[] = [];
      const effects: Effects = {
        changed(registry, { applicationId, deviceId }, kind) {
          const change = { registry, applicationId, deviceId, kind };
          changes.push(change);
          notify(change);
        },
        event: (name, entities, paths) =>
          void events.push({
            name,
            identifiers: [entities].flat(),
            ...(paths && { data: () => pathsData(paths) }),
          }),
      };
      try {
        const result = await store.unit(() => work(effects));
        for (const event of events) publish(event);
        return result;
      } catch (error) {
        for (const change of changes) notify(change);
        throw error;
      }
    },
  };
}

/** The identifiers of a message; empty EUIs count as absent, zero ones do not. */
export function deviceIds(ids: EndDeviceIdentifiers | undefined): DeviceIds {
  return {
    applicationId: ids?.applicationIds?.applicationId ?? '',
    deviceId: ids?.deviceId ?? '',
    ...(ids && ids.joinEui.length > 0 && { joinEui: eui64FromBytes(ids.joinEui) }),
    ...(ids && ids.devEui.length > 0 && { devEui: eui64FromBytes(ids.devEui) }),
  };
}

/** {@link deviceIds} the other way round. */
export function idsMessage(ids: DeviceIds): EndDeviceIdentifiers {
  const message = create(EndDeviceIdentifiersSchema, {
    deviceId: ids.deviceId,
    applicationIds: { applicationId: ids.applicationId },
  });
  if (ids.joinEui) message.joinEui = eui64ToBytes(ids.joinEui);
  if (ids.devEui) message.devEui = eui64ToBytes(ids.devEui);
  return message;
}

export const deviceRef = (ids: DeviceIds): EntityRef => deviceEntity(ids);

/** The message of a row, with its identifiers. */
export function decodeDevice(row: DeviceRow): EndDevice {
  const device = fromBinary(EndDeviceSchema, row.message);
  device.ids = idsMessage(row);
  return device;
}

/** The bytes to store: without identifiers, which are columns, and without what `strip` takes out. */
export function encodeDevice(device: EndDevice, strip: (copy: EndDevice) => void): Uint8Array {
  const copy = copyMessage(device);
  delete copy.ids;
  strip(copy);
  return toBinary(EndDeviceSchema, copy);
}

/** Paths of every answer, whatever the mask. */
const IMPLICIT_PATHS = ['ids', 'created_at', 'updated_at'];
/** Paths of a mask that the server sets itself. */
export const SERVER_PATHS = ['ids', 'created_at', 'updated_at'];

/** The answer for a mask. */
export function answer(device: EndDevice, paths: readonly string[]): EndDevice {
  return pickByPaths(EndDeviceSchema, device, [...paths, ...IMPLICIT_PATHS]);
}

/** First identifier in a request that differs from the stored one; empty ones in the request do not count. */
export function changedIdentifier(requested: DeviceIds, stored: DeviceIds): string | undefined {
  if (requested.joinEui !== undefined && requested.joinEui !== stored.joinEui)
    return 'ids.join_eui';
  if (requested.devEui !== undefined && requested.devEui !== stored.devEui) return 'ids.dev_eui';
  return undefined;
}

/** Attributes of the errors that say who has an EUI pair. */
export function takenAttributes(owner: DeviceRow): Record<string, string> {
  return {
    join_eui: owner.joinEui ?? '',
    dev_eui: owner.devEui ?? '',
    device_id: owner.deviceId,
    application_id: owner.applicationId,
  };
}
