import { create } from '@bufbuild/protobuf';
import {
  type Dissection,
  type DissectionField,
  DissectionFieldSchema,
  DissectionSchema,
  type Frame,
} from '../api/gen/gatehouse/v1/frames_pb.js';
import { decodeFrame, type FieldSpan, frameLayout, isDataFrame } from '../lorawan/index.ts';

function fieldMessage(span: FieldSpan): DissectionField {
  return create(DissectionFieldSchema, {
    name: span.name,
    label: span.label,
    offset: span.offset,
    length: span.length,
    bitMask: span.bitMask ?? 0,
    value: span.value,
    text: span.text ?? '',
    decrypted: span.decrypted ?? false,
    children: span.children.map(fieldMessage),
  });
}

/** The frame with its decrypted payload in place of the encrypted one, at the same offsets. */
function decryptedFrame(frame: Frame): Uint8Array {
  const { frmPayload, phyPayload } = frame;
  if (frmPayload.length === 0) return new Uint8Array();
  const plain = Uint8Array.from(phyPayload);
  const micBytes = 4;
  const at = plain.length - micBytes - frmPayload.length;
  if (at < 0) return new Uint8Array();
  plain.set(frmPayload, at);
  return plain;
}

/** Explains a recorded frame byte by byte; what could be decrypted is shown in the clear. */
export function dissect(frame: Frame): Dissection {
  const decoded = decodeFrame(frame.phyPayload);
  const isOpened = isDataFrame(decoded) && frame.frmPayload.length > 0;
  const layout = frameLayout(frame.phyPayload, isOpened ? { frmPayload: frame.frmPayload } : {});
  return create(DissectionSchema, {
    fields: layout.map(fieldMessage),
    issues: decoded.issues.map(({ offset, length, code, message }) => ({
      offset,
      length,
      code,
      message,
    })),
    decrypted: isOpened ? decryptedFrame(frame) : new Uint8Array(),
  });
}
