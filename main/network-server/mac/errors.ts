import { create, type JsonObject } from '@bufbuild/protobuf';
import { ErrorDetailsSchema } from '../../api/gen/ttn/lorawan/v3/error_pb.js';
import { defineError, type GatehouseError, STATUS } from '../../base/errors.ts';
import type { EventData } from '../../events/index.ts';

export const requestNotFound = defineError(
  'pkg/networkserver/mac:request_not_found',
  'INVALID_ARGUMENT',
  'The device answers MAC command {cid}, which it was not asked. Nothing to do: the commands behind it are left out.',
);

export const invalidPayload = defineError(
  'pkg/networkserver/internal:payload',
  'INVALID_ARGUMENT',
  'The device contradicts itself in its answers to one block of MAC commands. Look for newer firmware if it goes on.',
);

export const unknownDataRate = defineError(
  'gatehouse/network-server:demodulation_floor_unknown',
  'INVALID_ARGUMENT',
  'LinkCheckReq came at a data rate whose demodulation floor is not known, so it is not answered.',
);

/** Data of an event about a failure. */
export function errorData(error: GatehouseError): EventData {
  const { namespace, reason, messageFormat, attributes, status } = error;
  const message = create(ErrorDetailsSchema, {
    namespace,
    name: reason,
    messageFormat,
    attributes: { ...attributes } as JsonObject,
    code: STATUS[status],
  });
  return { schema: ErrorDetailsSchema, message };
}
