import type { DescMessage, Message } from '@bufbuild/protobuf';

/** What an event is about. Identifiers are upper-case hex. */
export type EntityRef =
  | {
      readonly kind: 'device';
      readonly applicationId: string;
      readonly deviceId: string;
      readonly devEui?: string;
      readonly joinEui?: string;
      readonly devAddr?: string;
    }
  | { readonly kind: 'application'; readonly applicationId: string }
  | { readonly kind: 'gateway'; readonly gatewayId: string; readonly eui?: string };

/** A message that an event carries, with its descriptor. */
export interface EventData {
  readonly schema: DescMessage;
  readonly message: Message;
  /** The same message encoded, once it has been. */
  readonly bytes?: Uint8Array;
}

/** What a server says happened. Names are The Things Stack's. */
export interface EventInput {
  readonly name: string;
  readonly identifiers: readonly EntityRef[];
  readonly correlationIds?: readonly string[];
  /** Called once, when the event is published; a failure of it becomes the event's data. */
  readonly data?: () => EventData;
  /**
   * The same for data that many events carry and hardly anybody reads: called when somebody wants it or when there is
   * time, which may be never. It must answer the same whenever that is, so it reads nothing that changes.
   */
  readonly lateData?: () => EventData;
  /** Our stable code of the reason, for events that tell of a failure; it is the data of an event that has none. */
  readonly causeCode?: string;
}

/** An event as subscribers get it. */
export interface BusEvent {
  /** Order of publication, from 1. */
  readonly sequence: number;
  readonly uniqueId: string;
  readonly name: string;
  readonly timeMs: number;
  readonly identifiers: readonly EntityRef[];
  readonly correlationIds: readonly string[];
  readonly causeCode?: string;
  data(): EventData | undefined;
}

interface NamedDevice {
  readonly applicationId: string;
  readonly deviceId: string;
  readonly devEui?: string;
  readonly joinEui?: string;
}

/** The newest subject per device: the events of a frame, and of the next one, name the same. */
const deviceEntities = new WeakMap<NamedDevice, EntityRef & { readonly kind: 'device' }>();

/** A device as an event's subject. */
export function deviceEntity(device: NamedDevice, devAddr?: string): EntityRef {
  const known = deviceEntities.get(device);
  if (known && known.devAddr === devAddr) return known;
  const { applicationId, deviceId, devEui, joinEui } = device;
  const entity = {
    kind: 'device',
    applicationId,
    deviceId,
    ...(devEui && { devEui }),
    ...(joinEui && { joinEui }),
    ...(devAddr && { devAddr }),
  } as const;
  deviceEntities.set(device, entity);
  return entity;
}

const keys = new WeakMap<EntityRef, string>();

function newKey(entity: EntityRef): string {
  switch (entity.kind) {
    case 'device':
      return `device:${entity.applicationId}.${entity.deviceId}`;
    case 'application':
      return `application:${entity.applicationId}`;
    case 'gateway':
      return `gateway:${entity.gatewayId}`;
  }
}

/** Key under which an entity's events are kept. */
export function entityKey(entity: EntityRef): string {
  const known = keys.get(entity);
  if (known !== undefined) return known;
  const key = newKey(entity);
  keys.set(entity, key);
  return key;
}

/** Whether a subscription to `wanted` includes an event about `entity`: an application includes its devices. */
export function covers(wanted: EntityRef, entity: EntityRef): boolean {
  if (wanted.kind === 'application') {
    return entity.kind !== 'gateway' && entity.applicationId === wanted.applicationId;
  }
  return entityKey(wanted) === entityKey(entity);
}
