import { create, type JsonObject } from '@bufbuild/protobuf';
import {
  type ApplicationDownlink,
  ApplicationDownlinkSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { deviceEntity } from '../events/index.ts';
import type { DeviceRef } from '../seams/application-traffic.ts';
import { formatterFailure, publishDownlink } from './application-messages.ts';
import type { ApplicationServerOptions } from './application-server.ts';
import { downlinkFormatter } from './device-formatters.ts';
import type { PayloadFormatter } from './formatters/formatters.ts';

type Options = Pick<ApplicationServerOptions, 'events' | 'findDevice' | 'formatters' | 'linkOf'>;

async function decode(
  { events, formatters }: Options,
  ref: DeviceRef,
  formatter: PayloadFormatter,
  downlink: ApplicationDownlink,
): Promise<ApplicationDownlink> {
  const { fPort, frmPayload: bytes, correlationIds } = downlink;
  const result = await formatters.decodeDownlink({
    scope: ref.applicationId,
    formatter,
    fPort,
    bytes,
  });
  if (!result) return downlink;
  if (!result.ok) {
    // Most scripts only encode downlinks; that nothing decodes them is no failure.
    if (result.code === 'entrypoint_not_found') return downlink;
    events.publish({
      name: 'as.down.data.decode.fail',
      identifiers: [deviceEntity(ref)],
      correlationIds,
      data: () => formatterFailure(result),
      causeCode: 'formatter_failed',
    });
    return downlink;
  }
  const decoded = create(ApplicationDownlinkSchema, {
    ...downlink,
    ...(result.data && { decodedPayload: result.data as JsonObject }),
    decodedPayloadWarnings: [...result.warnings],
  });
  if (result.warnings.length > 0)
    publishDownlink(events, 'as.down.data.decode.warning', ref, decoded);
  return decoded;
}

/**
 * A downlink in the clear with its decoded payload, for whoever looks at it. What cannot be decoded stays as it is, which
 * an event tells. Without a formatter the answer is there at once.
 */
export function decodedForDisplay(
  options: Options,
  ref: DeviceRef,
  downlink: ApplicationDownlink,
): ApplicationDownlink | Promise<ApplicationDownlink> {
  if (downlink.decodedPayload || downlink.frmPayload.length === 0) return downlink;
  const device = options.findDevice(ref.applicationId, ref.deviceId);
  const formatter = device && downlinkFormatter(device.message, options.linkOf(ref.applicationId));
  if (!formatter || formatter.kind === 'none') return downlink;
  return decode(options, ref, formatter, downlink);
}
