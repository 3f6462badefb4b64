import type { DevEui, JoinEui, NetId } from '../../lorawan/index.ts';

/** The device that is claimed, and whose it is to be or is. */
export interface ClaimSubject {
  readonly joinEui: JoinEui;
  readonly devEui: DevEui;
  readonly applicationId: string;
  readonly deviceId: string;
}

/** Which network a claimed device calls home. */
export interface ClaimStatus {
  readonly homeNetId: NetId;
}

/**
 * Who decides about claims: the local store, or a Join Server somewhere. Refusals are thrown, as the errors
 * `device_not_provisioned`, `device_not_claimed` and `device_access_denied`.
 */
export interface ClaimUpstream {
  /** Whether devices of this JoinEUI are claimed here. */
  covers(joinEui: JoinEui): boolean;
  /** @param code the one on the label */
  claim(device: ClaimSubject, code: string): Promise<void>;
  unclaim(device: ClaimSubject): Promise<void>;
  status(device: ClaimSubject): Promise<ClaimStatus>;
}
