import {
  type DescEnum,
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
} from '@bufbuild/protobuf';
import {
  type EnumForm,
  enum$,
  type FieldForm,
  field,
  type MessageForm,
  message,
  value,
} from '../../api/gen/gatehouse/options/v1/options_pb.js';

/** Our options of a field, or undefined. */
export function fieldForm(desc: DescField): FieldForm | undefined {
  return hasOption(desc, field) ? getOption(desc, field) : undefined;
}

/** Our options of a message, or undefined. */
export function messageForm(desc: DescMessage): MessageForm | undefined {
  return hasOption(desc, message) ? getOption(desc, message) : undefined;
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
