import { create, type JsonObject } from '@bufbuild/protobuf';
import type { ApplicationLink } from '../api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import type { EndDevice } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { EndDeviceVersionIdentifiers } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import {
  type ApplicationDownlink,
  ApplicationDownlinkSchema,
  PayloadFormatter as FormatterKind,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { deviceEntity } from '../events/index.ts';
import { cryptFrmPayload, expandKey } from '../lorawan/index.ts';
import type { DeviceRef } from '../seams/application-traffic.ts';
import type { ApplicationSession } from '../store/index.ts';
import { formatterFailure, publishDownlink } from './application-messages.ts';
import type { ApplicationServerOptions } from './application-server.ts';
import { formatterError, noFPort, noPayload } from './errors.ts';
import type { PayloadFormatter } from './formatters/formatters.ts';

/** A formatter as messages name it. */
export function formatterOf(
  kind: FormatterKind | undefined,
  script: string | undefined,
  versionIds: EndDeviceVersionIdentifiers | undefined,
): PayloadFormatter {
  switch (kind) {
    case FormatterKind.FORMATTER_JAVASCRIPT:
      return { kind: 'javascript', script: script ?? '' };
    case FormatterKind.FORMATTER_CAYENNELPP:
      return { kind: 'cayennelpp' };
    case FormatterKind.FORMATTER_REPOSITORY:
      return { kind: 'repository', versionIds };
    case FormatterKind.FORMATTER_GRPC_SERVICE:
      return { kind: 'grpc_service' };
    default:
      return { kind: 'none' };
  }
}

/**
 * A device's own `formatters` count as a whole, so that a device can do without the ones of its application: with
 * `FORMATTER_NONE`, and also for a direction it leaves out.
 */
function formattersOf(device: EndDevice, link: ApplicationLink | undefined) {
  return device.formatters ?? link?.defaultFormatters;
}

/** What decodes the device's uplinks. */
export function uplinkFormatter(
  device: EndDevice,
  link: ApplicationLink | undefined,
): PayloadFormatter {
  const formatters = formattersOf(device, link);
  return formatterOf(formatters?.upFormatter, formatters?.upFormatterParameter, device.versionIds);
}

/** What encodes and decodes the device's downlinks. */
export function downlinkFormatter(
  device: EndDevice,
  link: ApplicationLink | undefined,
): PayloadFormatter {
  const formatters = formattersOf(device, link);
  return formatterOf(
    formatters?.downFormatter,
    formatters?.downFormatterParameter,
    device.versionIds,
  );
}

/** A downlink with its payload in the clear. */
export function decodedDownlink(
  downlink: ApplicationDownlink,
  session: Pick<ApplicationSession, 'appSKey' | 'devAddr'>,
): ApplicationDownlink {
  if (!session.appSKey || !session.devAddr) return downlink;
  const key = expandKey(session.appSKey);
  const frmPayload = cryptFrmPayload(
    key,
    session.devAddr,
    'down',
    downlink.fCnt,
    downlink.frmPayload,
  );
  return create(ApplicationDownlinkSchema, { ...downlink, frmPayload });
}

/** The downlink itself, if it can be queued. Throws `no_payload` or `no_f_port`. */
export function sendable(downlink: ApplicationDownlink): ApplicationDownlink {
  if (downlink.frmPayload.length === 0) throw noPayload();
  if (downlink.fPort === 0) throw noFPort();
  return downlink;
}

/**
 * A pushed downlink with `frm_payload` and FPort filled in by the device's formatter where they are missing. Throws
 * `no_payload`, `no_f_port` or the formatter's failure.
 */
export async function encodedDownlink(
  {
    formatters,
    events,
    linkOf,
  }: Pick<ApplicationServerOptions, 'formatters' | 'events' | 'linkOf'>,
  ref: DeviceRef,
  device: EndDevice,
  downlink: ApplicationDownlink,
): Promise<ApplicationDownlink> {
  let { frmPayload, fPort } = downlink;
  if (frmPayload.length === 0 && downlink.decodedPayload) {
    const result = await formatters.encodeDownlink({
      scope: ref.applicationId,
      formatter: downlinkFormatter(device, linkOf(ref.applicationId)),
      fPort,
      data: downlink.decodedPayload as JsonObject,
    });
    if (!result) throw noPayload();
    if (!result.ok) {
      events.publish({
        name: 'as.down.data.encode.fail',
        identifiers: [deviceEntity(ref)],
        correlationIds: downlink.correlationIds,
        data: () => formatterFailure(result),
        causeCode: 'formatter_failed',
      });
      throw formatterError(result);
    }
    ({ bytes: frmPayload, fPort } = result);
    if (result.warnings.length > 0)
      publishDownlink(events, 'as.down.data.encode.warning', ref, {
        ...downlink,
        decodedPayloadWarnings: [...result.warnings],
      });
  }
  return sendable(create(ApplicationDownlinkSchema, { ...downlink, frmPayload, fPort }));
}
