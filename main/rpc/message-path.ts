import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';

type Loose = Readonly<Record<string, unknown>>;

/** Value of a field, or undefined if it is another arm of its oneof or unset. */
export function fieldValue(message: Message, field: DescField): unknown {
  const loose = message as unknown as Loose;
  if (!field.oneof) return loose[field.localName];
  const arm = loose[field.oneof.localName] as { case?: string; value?: unknown };
  return arm.case === field.localName ? arm.value : undefined;
}

/** Value at a dotted path of proto names (without oneof names); "." is the message itself. */
export function valueAt(desc: DescMessage, message: Message, path: string): unknown {
  if (path === '.') return message;
  let at: unknown = message;
  let type: DescMessage | undefined = desc;
  for (const name of path.split('.')) {
    const field: DescField | undefined = type?.fields.find((one) => one.name === name);
    if (!field || at === undefined) return undefined;
    at = fieldValue(at as Message, field);
    type = field.message;
  }
  return at;
}

/** Whether a value is what an absent field would give. */
export function isZero(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length === 0;
  if (typeof value === 'object') return !('$typeName' in value) && Object.keys(value).length === 0;
  return value === 0 || value === 0n || value === '' || value === false;
}
