import { create } from '@bufbuild/protobuf';
import { EndDeviceSchema } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import {
  EndDeviceQRCodeGenerator,
  GenerateQRCodeResponseSchema,
  ParseEndDeviceQRCodeResponseSchema,
  type QRCodeFormat,
  QRCodeFormatSchema,
  QRCodeFormatsSchema,
} from '../../api/gen/ttn/lorawan/v3/qrcodegenerator_pb.js';
import {
  LABEL_FORMATS,
  type LabelFormat,
  labelFormat,
  labelText,
  parseLabel,
  qrPicture,
} from '../../registry/qr-codes/index.ts';
import { type Served, serve } from '../router.ts';

const formatMessage = ({ name, description, fields }: LabelFormat): QRCodeFormat =>
  create(QRCodeFormatSchema, { name, description, fieldMask: { paths: [...fields] } });

/** QR codes on labels of end devices. */
export function qrCodeService(): Served {
  return serve(EndDeviceQRCodeGenerator, {
    getFormat: ({ formatId }) => formatMessage(labelFormat(formatId)),
    listFormats: () =>
      create(QRCodeFormatsSchema, {
        formats: Object.fromEntries(
          LABEL_FORMATS.map((format) => [format.id, formatMessage(format)]),
        ),
      }),
    generate({ formatId, endDevice, image }) {
      const text = labelText(labelFormat(formatId), endDevice ?? create(EndDeviceSchema));
      return create(GenerateQRCodeResponseSchema, {
        text,
        ...(image && {
          image: {
            embedded: { mimeType: 'image/png', data: qrPicture(text, image.imageSize) },
          },
        }),
      });
    },
    parse({ formatId, qrCode }) {
      const found = parseLabel(formatId, new TextDecoder().decode(qrCode));
      return create(ParseEndDeviceQRCodeResponseSchema, {
        formatId: found.formatId,
        endDeviceTemplate: found.template,
      });
    },
  });
}
