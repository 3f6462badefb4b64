import { randomUUID } from 'node:crypto';
import { create, type JsonObject, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type ErrorDetails, ErrorDetailsSchema } from '../api/gen/ttn/lorawan/v3/error_pb.js';
import {
  type ApplicationDownlink,
  ApplicationDownlinkSchema,
  type ApplicationUp,
  ApplicationUpSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { GatehouseError, STATUS } from '../base/errors.ts';
import { deviceEntity, type EventBus, type EventData, type EventInput } from '../events/index.ts';
import type { DevAddr } from '../lorawan/index.ts';
import type { DeviceRef } from '../seams/application-traffic.ts';
import { deviceIdentifiers } from '../seams/device-identifiers.ts';
import { type DropCause, dropError, formatterError } from './errors.ts';
import type { FormatterFailure } from './formatters/formatter-result.ts';

export type Up = NonNullable<MessageInitShape<typeof ApplicationUpSchema>['up']>;

/** Correlation id of a message on its way up through the application server. */
export const newUpId = (): string => `as:up:${randomUUID()}`;

/** The same with a correlation id of its own; what the message builds lazily stays lazy. */
export function withUpId<T extends { readonly correlationIds: readonly string[] }>(message: T): T {
  return { ...message, correlationIds: [...message.correlationIds, newUpId()] };
}

/** What goes to an application. */
export interface ApplicationUpInput {
  readonly device: DeviceRef;
  readonly devAddr?: DevAddr;
  readonly receivedAtMs: number;
  readonly correlationIds: readonly string[];
  readonly up: Up;
  /** What the message is built from does not change, so that it may be built later. */
  readonly isFrozen?: boolean;
  /** Made up by a client. */
  readonly simulated?: boolean;
}

/** Builds the message in the API's form. */
export function applicationUp(input: ApplicationUpInput): ApplicationUp {
  return create(ApplicationUpSchema, {
    endDeviceIds: deviceIdentifiers(input.device, input.devAddr),
    correlationIds: [...input.correlationIds],
    receivedAt: timestampFromMs(input.receivedAtMs),
    up: input.up,
    simulated: input.simulated ?? false,
  });
}

/** Tells subscribers about a downlink on its way through the application server. */
export function publishDownlink(
  events: Pick<EventBus, 'publish'>,
  name: string,
  device: DeviceRef,
  downlink: ApplicationDownlink,
): void {
  events.publish({
    name,
    identifiers: [deviceEntity(device)],
    correlationIds: downlink.correlationIds,
    data: () => ({ schema: ApplicationDownlinkSchema, message: downlink }),
  });
}

/** Data of an event that tells of an error. */
const errorData = (error: unknown): EventData => ({
  schema: ErrorDetailsSchema,
  message: errorDetails(error),
});

/** Tells subscribers that a downlink will not be sent. */
export function publishLostDownlink(
  events: Pick<EventBus, 'publish'>,
  device: DeviceRef,
  { correlationIds }: ApplicationDownlink,
  error: unknown,
): void {
  events.publish({
    name: 'as.down.data.drop',
    identifiers: [deviceEntity(device)],
    correlationIds,
    data: () => errorData(error),
    causeCode: error instanceof GatehouseError ? error.reason : 'internal_error',
  });
}

/** Name of a device in errors. */
export const deviceUid = ({ applicationId, deviceId }: DeviceRef): string =>
  `${applicationId}.${deviceId}`;

/** Tells subscribers that something a device sent goes no further. */
export function publishDrop(
  events: Pick<EventBus, 'publish'>,
  name: string,
  device: DeviceRef,
  about: Pick<EventInput, 'identifiers' | 'correlationIds'>,
  cause: DropCause,
): void {
  const data = () => errorData(dropError(cause, deviceUid(device)));
  events.publish({ name, ...about, data, causeCode: cause });
}

/** An error as messages to applications carry it. */
export function errorDetails(error: unknown): ErrorDetails {
  if (!(error instanceof GatehouseError))
    return create(ErrorDetailsSchema, {
      namespace: 'gatehouse',
      name: 'internal_error',
      code: STATUS.UNKNOWN,
    });
  const { namespace, reason, messageFormat, attributes, status } = error;
  return create(ErrorDetailsSchema, {
    namespace,
    name: reason,
    messageFormat,
    attributes: { ...attributes } as JsonObject,
    code: STATUS[status],
  });
}

/** Data of an event about a formatter that failed. */
export function formatterFailure(failure: FormatterFailure): EventData {
  return errorData(formatterError(failure));
}

/** Tells subscribers about something that went to the application. */
export function publishUp(
  events: Pick<EventBus, 'publish'>,
  name: string,
  input: ApplicationUpInput,
  causeCode?: string,
): void {
  events.publish({
    name,
    identifiers: [deviceEntity(input.device, input.devAddr)],
    correlationIds: input.correlationIds,
    [input.isFrozen ? 'lateData' : 'data']: () => ({
      schema: ApplicationUpSchema,
      message: applicationUp(input),
    }),
    ...(causeCode === undefined ? {} : { causeCode }),
  });
}
