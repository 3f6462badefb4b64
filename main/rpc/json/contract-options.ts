import {
  type DescEnum,
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  type ScalarType,
} from '@bufbuild/protobuf';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';
import {
  type EnumForm,
  enum$,
  type FieldForm,
  field,
  type MessageForm,
  message,
  value,
} from '../../api/gen/gatehouse/options/v1/options_pb.js';

/** Options are stored as bytes, so each descriptor's are read once. */
function once<Desc extends object, Form>(
  read: (desc: Desc) => Form | undefined,
): (desc: Desc) => Form | undefined {
  const known = new WeakMap<Desc, { readonly form: Form | undefined }>();
  return (desc) => {
    let entry = known.get(desc);
    if (!entry) {
      entry = { form: read(desc) };
      known.set(desc, entry);
    }
    return entry.form;
  };
}

/** Our options of a field, or undefined. */
export const fieldForm: (desc: DescField) => FieldForm | undefined = once((desc: DescField) =>
  hasOption(desc, field) ? getOption(desc, field) : undefined,
);

/** Our options of a message, or undefined. */
export const messageForm: (desc: DescMessage) => MessageForm | undefined = once(
  (desc: DescMessage) => (hasOption(desc, message) ? getOption(desc, message) : undefined),
);

/**
 * Whether protobuf-es holds the values of a field as plain objects instead of `google.protobuf.Struct` messages: wherever
 * a struct is a field or an item of one, except inside `google.protobuf.Value`.
 */
export function holdsPlainStruct(desc: DescField): boolean {
  return (
    desc.message?.typeName === 'google.protobuf.Struct' &&
    desc.parent.typeName !== 'google.protobuf.Value'
  );
}

/**
 * The scalar that protobuf-es holds instead of a `google.protobuf.*Value` wrapper: in single fields outside of oneofs only.
 */
export function unwrappedScalar(desc: DescField): ScalarType | undefined {
  if (desc.fieldKind !== 'message' || desc.oneof || !isWrapperDesc(desc.message)) return undefined;
  return desc.message.fields[0]?.scalar;
}

/** Our options of an enum, or undefined. */
export function enumForm(desc: DescEnum): EnumForm | undefined {
  return hasOption(desc, enum$) ? getOption(desc, enum$) : undefined;
}

/** How the values of an enum are written and read in JSON. */
export interface EnumNames {
  /** Text or number to write, by number. */
  readonly out: ReadonlyMap<number, string | number>;
  /** Number, by every text that is read as it. */
  readonly in: ReadonlyMap<string, number>;
}

const enumNames = new WeakMap<DescEnum, EnumNames>();

function readEnumNames(desc: DescEnum): EnumNames {
  const form = enumForm(desc);
  const out = new Map<number, string | number>();
  const read = new Map<string, number>();
  const prefix = form?.inputPrefix ? `${form.inputPrefix}_` : '';
  for (const one of desc.values) {
    const options = hasOption(one, value) ? getOption(one, value) : undefined;
    // Of several names of one number the first declared is written.
    if (!out.has(one.number)) {
      out.set(one.number, form?.numberOut ? one.number : options?.jsonOut || one.name);
    }
    read.set(one.name, one.number);
    if (prefix && one.name.startsWith(prefix)) read.set(one.name.slice(prefix.length), one.number);
    for (const alias of options?.jsonAliases ?? []) read.set(alias, one.number);
    if (options?.jsonOut) read.set(options.jsonOut, one.number);
  }
  return { out, in: read };
}

/** Names of an enum, read from its options once. */
export function namesOf(desc: DescEnum): EnumNames {
  let names = enumNames.get(desc);
  if (!names) {
    names = readEnumNames(desc);
    enumNames.set(desc, names);
  }
  return names;
}
