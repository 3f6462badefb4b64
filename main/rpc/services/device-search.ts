import { create } from '@bufbuild/protobuf';
import { EndDevicesSchema } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import {
  EndDeviceRegistrySearch,
  type SearchEndDevicesRequest,
} from '../../api/gen/ttn/lorawan/v3/search_services_pb.js';
import type { Registry } from '../../registry/index.ts';
import { type Served, serve } from '../router.ts';

/** Fields that were searched are answered even if the mask does not name them, so that a client can show why. */
function searchedPaths(request: SearchEndDevicesRequest): string[] {
  return [
    ...(request.nameContains ? ['name'] : []),
    ...(request.descriptionContains ? ['description'] : []),
    ...(Object.keys(request.attributesContain).length > 0 ? ['attributes'] : []),
  ];
}

/** The search of devices. */
export function deviceSearchService({ identity }: Registry): Served {
  return serve(EndDeviceRegistrySearch, {
    async searchEndDevices(request, call) {
      const { applicationIds, fieldMask, devAddrContains, ...filter } = request;
      if (devAddrContains) {
        call.warn('dev_addr_contains has no effect: this registry does not know device addresses.');
      }
      const { devices, total } = await identity.search(
        {
          applicationId: applicationIds?.applicationId ?? '',
          limit: filter.limit,
          page: filter.page,
          order: filter.order,
          query: filter.query,
          idContains: filter.idContains,
          nameContains: filter.nameContains,
          descriptionContains: filter.descriptionContains,
          devEuiContains: filter.devEuiContains,
          joinEuiContains: filter.joinEuiContains,
          attributesContain: filter.attributesContain,
        },
        [...(fieldMask?.paths ?? []), ...searchedPaths(request)],
      );
      call.setTotalCount(total);
      return create(EndDevicesSchema, { endDevices: devices });
    },
  });
}
