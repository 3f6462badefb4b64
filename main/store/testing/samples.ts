import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  Direction,
  type Frame,
  FrameSchema,
  Outcome,
  VerdictSchema,
} from '../../api/gen/gatehouse/v1/frames_pb.js';
import { EndDeviceSchema } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { GatewayUplink } from '../../base/gateway-link.ts';
import type { DevAddr, DevEui, JoinEui } from '../../lorawan/index.ts';
import type { DeviceRow } from '../device-tables.ts';
import type { ReceptionRecord } from '../frame-messages.ts';
import type { NetworkSession } from '../session-tables.ts';

/** An unconfirmed data uplink: DevAddr 26012E3F, FCnt 5, FPort 10. */
export const UPLINK_BYTES = Uint8Array.of(
  ...[0x40, 0x3f, 0x2e, 0x01, 0x26, 0x00, 0x05, 0x00, 0x0a, 0x11, 0x22, 0x33, 0xaa, 0xbb, 0xcc],
  0xdd,
);

export function sampleUplink(change: Partial<GatewayUplink> = {}): GatewayUplink {
  return {
    gatewayEui: '0016C001F156A1B2',
    phyPayload: UPLINK_BYTES,
    frequencyHz: 868_100_000,
    modulation: { kind: 'lora', spreadingFactor: 7, bandwidthHz: 125_000, codingRate: '4/5' },
    crc: 'ok',
    concentratorTimestampUs: 123_456,
    antennas: [{ antennaIndex: 0, channelRssiDbm: -80, snrDb: 9.5 }],
    ...change,
  };
}

export function sampleReception(change: Partial<ReceptionRecord> = {}): ReceptionRecord {
  return {
    linkId: 'udp',
    gatewayId: 'eui-0016c001f156a1b2',
    uplink: sampleUplink(),
    receivedAtMs: Date.UTC(2026, 0, 1),
    ...change,
  };
}

export function sampleFrame(deviceId: string, outcome = Outcome.ACCEPTED, cause = ''): Frame {
  return create(FrameSchema, {
    direction: Direction.UPLINK,
    time: timestampFromMs(Date.UTC(2026, 0, 1)),
    phyPayload: UPLINK_BYTES,
    frequencyHz: 868_100_000n,
    fType: 'UNCONFIRMED_UP',
    devAddr: Uint8Array.of(0x26, 0x01, 0x2e, 0x3f),
    fCnt: 5,
    fPort: 10,
    endDeviceIds: {
      deviceId,
      applicationIds: { applicationId: 'lab' },
      devEui: Uint8Array.of(0x70, 0xb3, 0xd5, 0x7e, 0xd0, 0, 0, 1),
    },
    verdict: create(VerdictSchema, { outcome, cause }),
  });
}

export function sampleDevice(deviceId: string, number = 1): Omit<DeviceRow, 'row'> {
  return {
    applicationId: 'lab',
    deviceId,
    joinEui: '0000000000000001' as JoinEui,
    devEui: `70B3D57ED00${number.toString(16).toUpperCase().padStart(5, '0')}` as DevEui,
    message: toBinary(EndDeviceSchema, create(EndDeviceSchema, { ids: { deviceId } })),
  };
}

/** A key of 16 equal bytes. */
export const keyOf = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);

export function sampleSession(
  deviceRow: number,
  change: Partial<NetworkSession> = {},
): Omit<NetworkSession, 'id'> {
  return {
    deviceRow,
    kind: 'current',
    devAddr: '26012E3F' as DevAddr,
    sessionKeyId: Uint8Array.of(1, 2, 3),
    keys: { fNwkSIntKey: keyOf(0x11), sNwkSIntKey: keyOf(0x22), nwkSEncKey: keyOf(0x33) },
    startedAtMs: 1_000,
    macState: Uint8Array.of(1),
    ...change,
  };
}
