import { create } from '@bufbuild/protobuf';
import {
  type EndDeviceIdentifiers,
  EndDeviceIdentifiersSchema,
} from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { type DevAddr, devAddrToBytes, eui64ToBytes } from '../lorawan/index.ts';
import type { DeviceRef } from './application-traffic.ts';

/** The newest message per device: records and events of a frame name the same device many times. */
const newest = new WeakMap<
  DeviceRef,
  { readonly devAddr: DevAddr | undefined; readonly message: EndDeviceIdentifiers }
>();

/** Identifiers of a device in the API's form. The message is shared: it must not be changed. */
export function deviceIdentifiers(device: DeviceRef, devAddr?: DevAddr): EndDeviceIdentifiers {
  const known = newest.get(device);
  if (known && known.devAddr === devAddr) return known.message;
  const { applicationId, deviceId, devEui, joinEui } = device;
  const message = create(EndDeviceIdentifiersSchema, {
    deviceId,
    applicationIds: { applicationId },
    ...(devEui && { devEui: eui64ToBytes(devEui) }),
    ...(joinEui && { joinEui: eui64ToBytes(joinEui) }),
    ...(devAddr && { devAddr: devAddrToBytes(devAddr) }),
  });
  newest.set(device, { devAddr, message });
  return message;
}
