import { create, type DescMessage, type Message, toBinary } from '@bufbuild/protobuf';
import { ErrorDetailsSchema } from '../api/gen/ttn/lorawan/v3/error_pb.js';
import { CAUSES, type CauseCode } from '../base/causes.ts';
import { STATUS } from '../base/errors.ts';
import type { EventData, EventInput } from './event.ts';

/** What an event carries, encoded once for everybody. */
export interface PackedData extends EventData {
  readonly bytes: Uint8Array;
}

function pack(data: EventData): PackedData {
  return { ...data, bytes: data.bytes ?? toBinary(data.schema, data.message) };
}

/** Data of an event that tells of a failure and carries nothing else. */
function failureData(causeCode: string): EventData {
  const text = causeCode in CAUSES ? CAUSES[causeCode as CauseCode].text : '';
  const message = create(ErrorDetailsSchema, {
    namespace: 'gatehouse',
    name: causeCode,
    messageFormat: text,
    code: STATUS.UNKNOWN,
  });
  return { schema: ErrorDetailsSchema, message };
}

/** Data that several events carry, encoded for all of them. */
export function encodedData(schema: DescMessage, message: Message): EventData {
  return pack({ schema, message });
}

/**
 * What an event carries. Never throws: whoever publishes is in the middle of work that matters more than its event, which
 * then says that its data failed.
 */
export function packedData({
  data,
  lateData,
  causeCode,
}: Pick<EventInput, 'data' | 'lateData' | 'causeCode'>): PackedData | undefined {
  const build = data ?? lateData;
  try {
    if (build) return pack(build());
  } catch {
    return pack(failureData('internal_error'));
  }
  return causeCode === undefined ? undefined : pack(failureData(causeCode));
}
