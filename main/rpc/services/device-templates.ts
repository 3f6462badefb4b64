import { randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import {
  EndDeviceTemplateFormatSchema,
  EndDeviceTemplateFormatsSchema,
  EndDeviceTemplateSchema,
} from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { EndDeviceTemplateConverter } from '../../api/gen/ttn/lorawan/v3/end_device_services_pb.js';
import type { Clock } from '../../base/clock.ts';
import { newSessionKeyId } from '../../join-server/session-key-id.ts';
import { FILE_FORMATS, readDeviceFile } from '../device-files/formats.ts';
import { type Served, serve } from '../router.ts';

/** Files with end devices as templates; an error ends the stream. */
export function deviceTemplateService(clock: Pick<Clock, 'now'>): Served {
  return serve(EndDeviceTemplateConverter, {
    listFormats() {
      const formats = Object.entries(FILE_FORMATS).map(([id, format]) => {
        const { name, description } = format;
        const fileExtensions = [...format.fileExtensions];
        const message = { name, description, fileExtensions };
        return [id, create(EndDeviceTemplateFormatSchema, message)] as const;
      });
      return create(EndDeviceTemplateFormatsSchema, { formats: Object.fromEntries(formats) });
    },
    async *convert({ formatId, data }) {
      const rows = readDeviceFile(formatId, data, {
        emptyCells: 'given',
        newSessionKeyId: () => newSessionKeyId(clock.now(), randomBytes),
      });
      for await (const row of rows) {
        if ('error' in row) throw row.error;
        yield create(EndDeviceTemplateSchema, {
          endDevice: row.device,
          fieldMask: { paths: [...row.paths] },
        });
      }
    },
  });
}
