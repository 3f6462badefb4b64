import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { messageForm } from '../json/contract-options.ts';
import { fieldValue, isZero } from '../message-path.ts';

/** Messages that a mask names as a whole. */
function isLeaf(field: DescField): boolean {
  if (field.fieldKind !== 'message') return true;
  const { message } = field;
  return (
    message.typeName.startsWith('google.protobuf.') ||
    message.fields.length === 0 ||
    (messageForm(message)?.bareValue ?? false)
  );
}

function collect(desc: DescMessage, message: Message, prefix: string, paths: string[]): void {
  for (const field of desc.fields) {
    const value = fieldValue(message, field);
    if (isZero(value) && !(field.fieldKind === 'message' && value !== undefined)) continue;
    const path = `${prefix}${field.oneof ? `${field.oneof.name}.` : ''}${field.name}`;
    if (isLeaf(field)) paths.push(path);
    else if (field.message) collect(field.message, value as Message, `${path}.`, paths);
  }
}

/** Field mask paths of everything in a message that is not zero, down to single fields; wrappers without `.value`. */
export function setPaths(desc: DescMessage, message: Message): string[] {
  const paths: string[] = [];
  collect(desc, message, '', paths);
  return paths;
}
