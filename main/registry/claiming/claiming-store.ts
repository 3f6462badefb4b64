import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { DevEui, JoinEui, NetId } from '../../lorawan/index.ts';
import type { ClaimableDevice, Store } from '../../store/index.ts';
import { pageOf } from '../paging.ts';
import { readCodes } from './claim-codes.ts';
import type { ClaimSubject, ClaimUpstream } from './claim-upstream.ts';
import { deviceAccessDenied, deviceNotClaimed, deviceNotProvisioned } from './errors.ts';

export interface ImportedCodes {
  readonly added: number;
  readonly updated: number;
  readonly problems: readonly { readonly line: number; readonly reason: string }[];
}

/** Devices that can be claimed at this computer, in place of the Join Server of their maker. */
export interface ClaimingStore extends ClaimUpstream {
  import(csv: string): Promise<ImportedCodes>;
  list(request: { joinEui?: JoinEui; limit: number; page: number }): {
    rows: ClaimableDevice[];
    total: number;
  };
  /** Throws `device_not_provisioned` for a device that is not there. */
  delete(joinEui: JoinEui, devEui: DevEui): Promise<void>;
  /** Keeps an API key with which devices may be claimed from an application. */
  authorize(applicationId: string, apiKey: string): Promise<void>;
  /** Does nothing for an application that was not authorized. */
  unauthorize(applicationId: string): Promise<void>;
}

/** So many are stored at once, so that a long list does not hold the event loop. */
const BATCH = 200;

/** Compares in a time that depends on neither code. */
function isSameCode(given: string, known: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(known));
}

/** How claims are decided with what has been imported. Each method but `covers` is a unit of work. */
function createLocalUpstream(store: Store, clock: Clock, homeNetId: NetId): ClaimUpstream {
  const { claimableDevices: devices } = store;
  const find = ({ joinEui, devEui }: ClaimSubject): ClaimableDevice => {
    const device = devices.get(joinEui, devEui);
    if (!device) throw deviceNotProvisioned({ dev_eui: devEui });
    return device;
  };
  const findClaimed = (subject: ClaimSubject): void => {
    const { claim } = find(subject);
    if (!claim) throw deviceNotClaimed({ dev_eui: subject.devEui });
    if (claim.applicationId !== subject.applicationId)
      throw deviceAccessDenied({ dev_eui: subject.devEui });
  };
  return {
    covers: devices.hasJoinEui,
    claim: (subject, code) =>
      store.unit(() => {
        const { joinEui, devEui, applicationId, deviceId } = subject;
        const { claim } = find(subject);
        const isFree = !claim || claim.applicationId === applicationId;
        const isRight = isSameCode(code, devices.codeOf(joinEui, devEui) ?? '');
        if (!isFree || !isRight) throw deviceAccessDenied({ dev_eui: devEui });
        devices.setClaim(joinEui, devEui, { applicationId, deviceId, claimedAtMs: clock.now() });
      }),
    unclaim: (subject) =>
      store.unit(() => {
        findClaimed(subject);
        devices.setClaim(subject.joinEui, subject.devEui, undefined);
      }),
    async status(subject) {
      findClaimed(subject);
      return { homeNetId };
    },
  };
}

export function createClaimingStore(store: Store, clock: Clock, homeNetId: NetId): ClaimingStore {
  const { claimableDevices: devices, claimAuthorizations } = store;
  return {
    ...createLocalUpstream(store, clock, homeNetId),
    async import(csv) {
      const { rows, problems } = readCodes(csv);
      let updated = 0;
      for (let at = 0; at < rows.length; at += BATCH) {
        await store.unit(() => {
          for (const { code, ...device } of rows.slice(at, at + BATCH)) {
            if (devices.get(device.joinEui, device.devEui)) updated += 1;
            devices.put({ ...device, addedAtMs: clock.now() }, code);
          }
        });
      }
      return { added: rows.length - updated, updated, problems };
    },
    list: ({ joinEui, limit, page }) => devices.list(pageOf(limit, page), joinEui),
    delete: (joinEui, devEui) =>
      store.unit(() => {
        if (!devices.delete(joinEui, devEui)) throw deviceNotProvisioned({ dev_eui: devEui });
      }),
    authorize: (applicationId, apiKey) =>
      store.unit(() => {
        const secrets = new TextEncoder().encode(apiKey);
        claimAuthorizations.put({ id: applicationId, message: new Uint8Array(), secrets });
      }),
    unauthorize: (applicationId) =>
      store.unit(() => void claimAuthorizations.delete(applicationId)),
  };
}
