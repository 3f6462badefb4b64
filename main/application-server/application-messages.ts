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
import { deviceEntity, type EventBus, type EventData } from '../events/index.ts';
import type { DevAddr } from '../lorawan/index.ts';
import type { DeviceRef } from '../seams/application-traffic.ts';
import { deviceIdentifiers } from '../seams/device-identifiers.ts';
import { formatterError } from './errors.ts';
import type { FormatterFailure } from './formatters/formatter-result.ts';

export type Up = NonNullable<MessageInitShape<typeof ApplicationUpSchema>['up']>;

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
  causeCode?: string,
): void {
  events.publish({
    name,
    identifiers: [deviceEntity(device)],
    correlationIds: downlink.correlationIds,
    ...(causeCode === undefined
      ? { data: () => ({ schema: ApplicationDownlinkSchema, message: downlink }) }
      : { causeCode }),
  });
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
  return { schema: ErrorDetailsSchema, message: errorDetails(formatterError(failure)) };
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
