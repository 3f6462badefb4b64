import type { EndDevice } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { EventBus } from '../events/index.ts';
import type { DevAddrPrefix, DevEui, JoinEui, NetId } from '../lorawan/index.ts';
import type { DeviceStatusReport, SeenDevice } from '../registry/index.ts';
import type { FrameStore, Store } from '../store/index.ts';

/** A device as the network registry holds it. */
export interface NetworkDevice {
  readonly row: number;
  readonly applicationId: string;
  readonly deviceId: string;
  readonly devEui?: DevEui;
  readonly joinEui?: JoinEui;
  /** Versions, frequency plan, MAC settings, capabilities; no keys, no counters. */
  readonly message: EndDevice;
}

/** What the network server needs of the registry. Calls on the path of a frame are synchronous, and most are reads. */
export interface NetworkRegistry {
  /** Keeps when devices were heard. */
  recordSeen(seen: readonly SeenDevice[]): Promise<void>;
  /** Keeps battery and margin with the device. Call it inside a unit. */
  recordDeviceStatus(row: number, status: DeviceStatusReport): void;
  networkDeviceById(row: number): NetworkDevice | undefined;
  networkDeviceByEuis(joinEui: JoinEui, devEui: DevEui): NetworkDevice | undefined;
  /** Rejoin-requests of types 0 and 2 do not name the JoinEUI. */
  networkDevicesByDevEui(devEui: DevEui): readonly NetworkDevice[];
  networkDeviceByIds(applicationId: string, deviceId: string): NetworkDevice | undefined;
  /** Tells that a device changed, so that what was read of it is to be read again. */
  onChange(listener: () => void): () => void;
}

/** What the network server needs of the store. */
export type NetworkStore = Pick<
  Store,
  'unit' | 'networkSessions' | 'downlinkQueue' | 'onRollback'
> & { readonly frames: Pick<FrameStore, 'addFrame' | 'updateFrame' | 'recentOfDevice'> };

export type EventSink = Pick<EventBus, 'publish'>;

export interface NetworkSettings {
  readonly netId: NetId;
  /** DevAddrs of joining devices are taken from here. */
  readonly devAddrBlock: DevAddrPrefix;
  /** How long receptions of one frame are collected; 200 unless given. */
  readonly deduplicationMs?: number;
}

/** `count` random bytes. */
export type RandomBytes = (count: number) => Uint8Array;
