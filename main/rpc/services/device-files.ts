import { randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import {
  DeviceFiles,
  ExportDevicesResponseSchema,
} from '../../api/gen/gatehouse/v1/device_files_pb.js';
import type { Clock } from '../../base/clock.ts';
import { newSessionKeyId } from '../../join-server/session-key-id.ts';
import type { Registry } from '../../registry/index.ts';
import { exportDevices } from '../device-files/export-devices.ts';
import { importDevices } from '../device-files/import-devices.ts';
import { requireRight } from '../rights.ts';
import { type Served, serve } from '../router.ts';

/** Files with end devices into the registries and back. */
export function deviceFileService(registry: Registry, clock: Pick<Clock, 'now'>): Served {
  return serve(DeviceFiles, {
    import: (request) =>
      importDevices(request, {
        registry,
        nowMs: () => clock.now(),
        newSessionKeyId: () => newSessionKeyId(clock.now(), randomBytes),
      }),
    async *export({ applicationIds, formatId, includeKeys }, { caller }) {
      const applicationId = applicationIds?.applicationId ?? '';
      if (includeKeys) {
        const target = { kind: 'application', id: applicationId } as const;
        requireRight(caller, 'RIGHT_APPLICATION_DEVICES_READ_KEYS', target);
      }
      let devices = 0;
      const options = { applicationId, formatId, includeKeys };
      for await (const piece of exportDevices(registry, options)) {
        devices += piece.devices;
        const data = new TextEncoder().encode(piece.text);
        yield create(ExportDevicesResponseSchema, { data, devices });
      }
    },
  });
}
