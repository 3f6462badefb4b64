import { create } from '@bufbuild/protobuf';
import {
  DeviceRepository,
  ListEndDeviceBrandsResponseSchema,
  ListEndDeviceModelsResponseSchema,
} from '../../api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import type { DeviceCatalogue } from '../../registry/catalogue/index.ts';
import { type Served, serve } from '../router.ts';

const pathsOf = (request: {
  readonly fieldMask?: { readonly paths: string[] } | undefined;
}): readonly string[] => request.fieldMask?.paths ?? [];

/** The device catalogue as The Things Stack's API shows it. */
export function deviceRepositoryService({ ready }: Pick<DeviceCatalogue, 'ready'>): Served {
  return serve(DeviceRepository, {
    async listBrands(request, call) {
      const { brands, total } = await (await ready()).listBrands(request, pathsOf(request));
      call.setTotalCount(total);
      return create(ListEndDeviceBrandsResponseSchema, { brands });
    },
    getBrand: async (request) => (await ready()).brand(request.brandId, pathsOf(request)),
    async listModels(request, call) {
      const { models, total } = await (await ready()).listModels(request, pathsOf(request));
      call.setTotalCount(total);
      return create(ListEndDeviceModelsResponseSchema, { models });
    },
    getModel: async (request) =>
      (await ready()).model(request.brandId, request.modelId, pathsOf(request)),
    getTemplate: async (request) => (await ready()).template(request),
    getUplinkDecoder: async (request) =>
      (await ready()).decoder('uplink_decoder', request.versionIds, pathsOf(request)),
    getDownlinkDecoder: async (request) =>
      (await ready()).decoder('downlink_decoder', request.versionIds, pathsOf(request)),
    getDownlinkEncoder: async (request) =>
      (await ready()).encoder(request.versionIds, pathsOf(request)),
  });
}
