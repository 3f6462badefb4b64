import { create, type JsonObject } from '@bufbuild/protobuf';
import {
  type DecodeUplinkRequest,
  type DecodeUplinkResponse,
  DecodeUplinkResponseSchema,
} from '../api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import { ApplicationUplinkSchema } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import type { DeviceRef } from '../seams/application-traffic.ts';
import type { ApplicationServerOptions } from './application-server.ts';
import { formatterOf } from './device-formatters.ts';
import { applicationDeviceNotFound, formatterFailed } from './errors.ts';

/** Runs payload formatters on messages that are not stored, sent or counted. */
export interface FormatterTrial {
  /** The uplink as the formatter in the request decodes it. Throws the formatter's failure. */
  decodeUplink(device: DeviceRef, request: DecodeUplinkRequest): Promise<DecodeUplinkResponse>;
}

export function createFormatterTrial({
  findDevice,
  formatters,
}: Pick<ApplicationServerOptions, 'findDevice' | 'formatters'>): FormatterTrial {
  return {
    async decodeUplink({ applicationId, deviceId }, request) {
      if (!findDevice(applicationId, deviceId))
        throw applicationDeviceNotFound({ device_uid: `${applicationId}.${deviceId}` });
      const uplink = request.uplink ?? create(ApplicationUplinkSchema);
      const result = await formatters.decodeUplink({
        scope: applicationId,
        formatter: formatterOf(request.formatter, request.parameter),
        fPort: uplink.fPort,
        bytes: uplink.frmPayload,
      });
      if (result && !result.ok) throw formatterFailed({ reason: result.message });
      return create(DecodeUplinkResponseSchema, {
        uplink: create(ApplicationUplinkSchema, {
          ...uplink,
          ...(result?.data && { decodedPayload: result.data as JsonObject }),
          decodedPayloadWarnings: result ? [...result.warnings] : [],
          normalizedPayload: (result?.normalized ?? []) as JsonObject[],
          normalizedPayloadWarnings: result ? [...result.normalizedWarnings] : [],
        }),
      });
    },
  };
}
