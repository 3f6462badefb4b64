import { create } from '@bufbuild/protobuf';
import { EmptySchema, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  ClaimingStore as ClaimingStoreService,
  ImportClaimableDevicesResponseSchema,
  ListClaimableDevicesResponseSchema,
} from '../../api/gen/gatehouse/v1/claiming_pb.js';
import { type DevEui, eui64ToBytes, type JoinEui } from '../../lorawan/index.ts';
import type { ClaimingStore } from '../../registry/claiming/index.ts';
import { type Served, serve } from '../router.ts';

/** Devices that can be claimed here, and who has claimed them. */
export function claimingStoreService(
  store: Pick<ClaimingStore, 'import' | 'list' | 'delete'>,
): Served {
  return serve(ClaimingStoreService, {
    async import({ csv }) {
      const { added, updated, problems } = await store.import(csv);
      return create(ImportClaimableDevicesResponseSchema, {
        added,
        updated,
        problems: problems.map((problem) => ({ ...problem })),
      });
    },
    list({ joinEui, limit, page }, call) {
      const filter = joinEui !== '' && { joinEui: joinEui.toUpperCase() as JoinEui };
      const { rows, total } = store.list({ limit, page, ...filter });
      call.setTotalCount(total);
      return create(ListClaimableDevicesResponseSchema, {
        devices: rows.map(({ claim, ...device }) => ({
          joinEui: eui64ToBytes(device.joinEui),
          devEui: eui64ToBytes(device.devEui),
          addedAt: timestampFromMs(device.addedAtMs),
          ...(claim && {
            claimedBy: {
              deviceId: claim.deviceId,
              applicationIds: { applicationId: claim.applicationId },
            },
            claimedAt: timestampFromMs(claim.claimedAtMs),
          }),
        })),
      });
    },
    async delete({ joinEui, devEui }) {
      await store.delete(joinEui.toUpperCase() as JoinEui, devEui.toUpperCase() as DevEui);
      return create(EmptySchema);
    },
  });
}
