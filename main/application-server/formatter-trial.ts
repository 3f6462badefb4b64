import { create, type JsonObject } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type DecodeDownlinkRequest,
  type DecodeDownlinkResponse,
  DecodeDownlinkResponseSchema,
  type DecodeUplinkRequest,
  type DecodeUplinkResponse,
  DecodeUplinkResponseSchema,
  type EncodeDownlinkRequest,
  type EncodeDownlinkResponse,
  EncodeDownlinkResponseSchema,
} from '../api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import {
  ApplicationDownlinkSchema,
  ApplicationUplinkSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import type { DeviceRef } from '../seams/application-traffic.ts';
import type { ApplicationServerOptions } from './application-server.ts';
import { formatterOf } from './device-formatters.ts';
import { applicationDeviceNotFound, formatterError } from './errors.ts';

/**
 * Runs payload formatters on messages that are not stored, sent or counted. The formatter is the one in the request,
 * whatever the device has; without one the message comes back as it was. A formatter that fails is thrown with its kind
 * as the name, and the line among the attributes.
 */
export interface FormatterTrial {
  decodeUplink(device: DeviceRef, request: DecodeUplinkRequest): Promise<DecodeUplinkResponse>;
  encodeDownlink(
    device: DeviceRef,
    request: EncodeDownlinkRequest,
  ): Promise<EncodeDownlinkResponse>;
  decodeDownlink(
    device: DeviceRef,
    request: DecodeDownlinkRequest,
  ): Promise<DecodeDownlinkResponse>;
}

/** Creates the trial of formatters. */
export function createFormatterTrial({
  clock,
  findDevice,
  formatters,
}: Pick<ApplicationServerOptions, 'clock' | 'findDevice' | 'formatters'>): FormatterTrial {
  const useOf = (
    { applicationId, deviceId }: DeviceRef,
    request: DecodeUplinkRequest | EncodeDownlinkRequest | DecodeDownlinkRequest,
  ) => {
    if (!findDevice(applicationId, deviceId))
      throw applicationDeviceNotFound({ device_uid: `${applicationId}.${deviceId}` });
    const { formatter, parameter, versionIds } = request;
    return { scope: applicationId, formatter: formatterOf(formatter, parameter, versionIds) };
  };
  return {
    async decodeUplink(ref, request) {
      const use = useOf(ref, request);
      const uplink = request.uplink ?? create(ApplicationUplinkSchema);
      const { fPort, frmPayload: bytes } = uplink;
      const receivedAtMs = uplink.receivedAt ? timestampMs(uplink.receivedAt) : clock.now();
      const result = await formatters.decodeUplink({ ...use, fPort, bytes, receivedAtMs });
      if (result && !result.ok) throw formatterError(result);
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
    async encodeDownlink(ref, request) {
      const use = useOf(ref, request);
      const downlink = request.downlink ?? create(ApplicationDownlinkSchema);
      const { fPort, decodedPayload } = downlink;
      const result =
        decodedPayload &&
        (await formatters.encodeDownlink({ ...use, fPort, data: decodedPayload as JsonObject }));
      if (result && !result.ok) throw formatterError(result);
      return create(EncodeDownlinkResponseSchema, {
        downlink: create(ApplicationDownlinkSchema, {
          ...downlink,
          ...(result && {
            frmPayload: result.bytes,
            fPort: result.fPort,
            decodedPayloadWarnings: [...result.warnings],
          }),
        }),
      });
    },
    async decodeDownlink(ref, request) {
      const use = useOf(ref, request);
      const downlink = request.downlink ?? create(ApplicationDownlinkSchema);
      const { fPort, frmPayload: bytes } = downlink;
      const result = await formatters.decodeDownlink({ ...use, fPort, bytes });
      if (result && !result.ok) throw formatterError(result);
      return create(DecodeDownlinkResponseSchema, {
        downlink: create(ApplicationDownlinkSchema, {
          ...downlink,
          ...(result?.data && { decodedPayload: result.data as JsonObject }),
          ...(result && { decodedPayloadWarnings: [...result.warnings] }),
        }),
      });
    },
  };
}
