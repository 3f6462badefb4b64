import { create } from '@bufbuild/protobuf';
import {
  type EndDevice,
  EndDeviceSchema,
  type EndDeviceTemplate,
  EndDeviceTemplateSchema,
} from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { GatehouseError } from '../../base/errors.ts';
import { eui64FromBytes, eui64ToBytes } from '../../lorawan/index.ts';
import { formatNotFound, noDevEui, noJoinEui, unknownFormat } from './errors.ts';
import { type DeviceLabel, LABEL_FORMATS, type LabelFormat } from './formats.ts';

export { LABEL_FORMATS, type LabelFormat } from './formats.ts';
export { qrPicture } from './picture.ts';

/** The format of an id; throws if there is none. */
export function labelFormat(id: string): LabelFormat {
  const format = LABEL_FORMATS.find((one) => one.id === id);
  if (!format) throw formatNotFound({ id });
  return format;
}

/** Text of a device's QR code. Vendor and model are left zero, as nobody gave them to us for printing. */
export function labelText(format: LabelFormat, device: EndDevice): string {
  const { joinEui, devEui } = device.ids ?? {};
  if (!joinEui || joinEui.length === 0) throw noJoinEui();
  if (!devEui || devEui.length === 0) throw noDevEui();
  return format.format({
    joinEui: eui64FromBytes(joinEui),
    devEui: eui64FromBytes(devEui),
    vendorId: 0,
    vendorProfileId: 0,
    ownerToken: device.claimAuthenticationCode?.value ?? '',
  });
}

function templateOf(format: LabelFormat, label: DeviceLabel): EndDeviceTemplate {
  const { joinEui, devEui, ownerToken, serialNumber, vendorId, vendorProfileId } = label;
  return create(EndDeviceTemplateSchema, {
    endDevice: create(EndDeviceSchema, {
      ids: { devEui: eui64ToBytes(devEui), ...(joinEui && { joinEui: eui64ToBytes(joinEui) }) },
      ...(ownerToken !== undefined && { claimAuthenticationCode: { value: ownerToken } }),
      ...(serialNumber !== undefined && { serialNumber }),
      ...((vendorId !== 0 || vendorProfileId !== 0) && {
        loraAllianceProfileIds: { vendorId, vendorProfileId },
      }),
    }),
    fieldMask: { paths: [...format.templatePaths] },
  });
}

function tryFormat(format: LabelFormat, text: string): EndDeviceTemplate | undefined {
  try {
    return templateOf(format, format.parse(text));
  } catch (error) {
    if (error instanceof GatehouseError) return undefined;
    throw error;
  }
}

/**
 * Reads the text of a QR code.
 *
 * @param formatId the format it has to be in; empty: the first that it fits
 */
export function parseLabel(
  formatId: string,
  text: string,
): { readonly formatId: string; readonly template: EndDeviceTemplate } {
  if (formatId !== '') {
    const format = LABEL_FORMATS.find((one) => one.id === formatId);
    if (!format) throw unknownFormat();
    return { formatId, template: templateOf(format, format.parse(text)) };
  }
  for (const format of LABEL_FORMATS) {
    const template = tryFormat(format, text);
    if (template) return { formatId: format.id, template };
  }
  throw unknownFormat();
}
