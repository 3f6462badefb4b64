import { create } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type ApplicationUp,
  type ApplicationUplink,
  ApplicationUplinkNormalizedSchema,
  ApplicationUplinkSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { deviceEntity } from '../events/index.ts';
import { type DevEui, devAddrFromBytes, eui64FromBytes, type JoinEui } from '../lorawan/index.ts';
import type { DeviceRef } from '../seams/application-traffic.ts';
import { type ApplicationUpInput, newUpId, publishUp, type Up } from './application-messages.ts';
import type { ApplicationDeviceRow, ApplicationServerOptions } from './application-server.ts';
import { decodedFields, decodeUplink, publishDecodeProblems } from './decode-uplink.ts';
import { uplinkFormatter } from './device-formatters.ts';
import { alreadySimulated, applicationDeviceNotFound, payloadCryptoSkipped } from './errors.ts';
import { skipsPayloadCrypto } from './payload-crypto.ts';

/** Messages that a client makes up to try out what listens to the application. */
export interface UplinkSimulation {
  /**
   * Hands `up` to whoever listens, marked as simulated. An uplink message is decoded and normalized like a real one, its
   * payload being in the clear; nothing of the device changes. Throws `simulated`, `device_not_found` or
   * `payload_crypto_skipped`.
   */
  simulateUplink(device: DeviceRef, up: ApplicationUp): Promise<void>;
}

type UpCase = NonNullable<ApplicationUp['up']['case']>;

const EVENT_NAMES: Readonly<Record<UpCase, string>> = {
  uplinkMessage: 'as.up.data.forward',
  uplinkNormalized: 'as.up.normalized.forward',
  joinAccept: 'as.up.join.forward',
  downlinkAck: 'as.down.data.ack.forward',
  downlinkNack: 'as.down.data.nack.forward',
  downlinkSent: 'as.down.data.sent.forward',
  downlinkFailed: 'as.down.data.failed.forward',
  downlinkQueued: 'as.down.data.queued.forward',
  downlinkQueueInvalidated: 'as.down.data.queue.invalidated.forward',
  locationSolved: 'as.up.location.forward',
  serviceData: 'as.up.service.forward',
};

type Common = Omit<ApplicationUpInput, 'up'>;

/** One measurement of a simulated uplink as a message of its own. */
function normalizedUp(
  uplink: ApplicationUplink,
  normalizedPayload: ApplicationUplink['normalizedPayload'][number],
  receivedAtMs: number,
): Up {
  const { sessionKeyId, fPort, fCnt, frmPayload, rxMetadata, settings, confirmed } = uplink;
  const value = create(ApplicationUplinkNormalizedSchema, {
    sessionKeyId,
    fPort,
    fCnt,
    frmPayload,
    rxMetadata,
    confirmed,
    locations: uplink.locations,
    normalizedPayload,
    normalizedPayloadWarnings: uplink.normalizedPayloadWarnings,
    receivedAt: uplink.receivedAt ?? timestampFromMs(receivedAtMs),
    ...(settings && { settings }),
    ...(uplink.consumedAirtime && { consumedAirtime: uplink.consumedAirtime }),
    ...(uplink.versionIds && { versionIds: uplink.versionIds }),
  });
  return { case: 'uplinkNormalized', value };
}

/** The device as its real messages name it. */
function withEuis(device: DeviceRef, { message: { ids } }: ApplicationDeviceRow): DeviceRef {
  return {
    ...device,
    ...(ids && ids.devEui.length > 0 && { devEui: eui64FromBytes(ids.devEui) as DevEui }),
    ...(ids && ids.joinEui.length > 0 && { joinEui: eui64FromBytes(ids.joinEui) as JoinEui }),
  };
}

/** Creates what distributes simulated messages. */
export function createUplinkSimulation(
  options: Pick<
    ApplicationServerOptions,
    'clock' | 'events' | 'findDevice' | 'formatters' | 'linkOf' | 'store'
  >,
): UplinkSimulation {
  const { clock, events, findDevice, formatters, linkOf } = options;
  const simulateData = async (
    common: Common,
    { message }: ApplicationDeviceRow,
    given: ApplicationUplink,
  ): Promise<void> => {
    const { applicationId } = common.device;
    const decoded = await decodeUplink(formatters, {
      applicationId,
      formatter: uplinkFormatter(message, linkOf(applicationId)),
      fPort: given.fPort,
      bytes: given.frmPayload,
      receivedAtMs: given.receivedAt ? timestampMs(given.receivedAt) : common.receivedAtMs,
    });
    const uplink = create(ApplicationUplinkSchema, { ...given, ...decodedFields(decoded) });
    const about = {
      identifiers: [deviceEntity(common.device, common.devAddr)],
      correlationIds: common.correlationIds,
    };
    publishDecodeProblems(events, about, decoded, () => uplink);
    const up = { case: 'uplinkMessage', value: uplink } as const;
    publishUp(events, EVENT_NAMES.uplinkMessage, { ...common, up });
    for (const measurement of decoded.normalized)
      publishUp(events, EVENT_NAMES.uplinkNormalized, {
        ...common,
        up: normalizedUp(uplink, measurement, common.receivedAtMs),
      });
  };
  return {
    async simulateUplink(device, { up, correlationIds, receivedAt, simulated, endDeviceIds }) {
      if (simulated) throw alreadySimulated();
      const { applicationId, deviceId } = device;
      const registered = findDevice(applicationId, deviceId);
      if (!registered)
        throw applicationDeviceNotFound({ device_uid: `${applicationId}.${deviceId}` });
      if (skipsPayloadCrypto(options, applicationId, registered))
        throw payloadCryptoSkipped({ device_uid: `${applicationId}.${deviceId}` });
      const devAddr = endDeviceIds?.devAddr;
      const common: Common = {
        device: withEuis(device, registered),
        ...(devAddr && devAddr.length > 0 && { devAddr: devAddrFromBytes(devAddr) }),
        receivedAtMs: receivedAt ? timestampMs(receivedAt) : clock.now(),
        correlationIds: [...correlationIds, newUpId()],
        simulated: true,
      };
      if (up.case === 'uplinkMessage') await simulateData(common, registered, up.value);
      else if (up.case) publishUp(events, EVENT_NAMES[up.case], { ...common, up });
    },
  };
}
