import { type Eui64, parseEui64 } from '../../lorawan/index.ts';
import { badCharacter, badEui, badFormat } from './errors.ts';

/** What the QR code of an end device says. */
export interface DeviceLabel {
  readonly joinEui?: Eui64;
  readonly devEui: Eui64;
  readonly vendorId: number;
  readonly vendorProfileId: number;
  /** Code with which an owner claims the device. */
  readonly ownerToken?: string;
  readonly serialNumber?: string;
}

/** A text form of {@link DeviceLabel}. */
export interface LabelFormat {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Field mask paths of an end device that it holds. */
  readonly fields: readonly string[];
  /** Field mask paths of the template a text gives. */
  readonly templatePaths: readonly string[];
  /** Throws the API's errors. */
  parse(text: string): DeviceLabel;
  format(label: DeviceLabel): string;
}

/** What sets the LoRa Alliance's TR005 and its drafts apart. */
interface Layout {
  /** Begins with everything up to the JoinEUI. */
  readonly prefix: string;
  /** Between JoinEUI, DevEUI and vendor. */
  readonly separator: string;
  /** Before the first extension. */
  readonly lead: string;
  /** Between extensions. */
  readonly splitter: string;
  /** Characters an extension may have; all but the splitter if absent. */
  readonly characters?: RegExp;
  /** Letter of the owner token. */
  readonly tokenLetter: string;
}

const SERIAL_LETTER = 'S';
const hex16 = (value: number): string => value.toString(16).toUpperCase().padStart(4, '0');

function readEui(text: string | undefined): Eui64 {
  const eui = /^[0-9a-fA-F]{16}$/.test(text ?? '') ? parseEui64(text ?? '') : undefined;
  if (eui === undefined) throw badEui();
  return eui;
}

function checkCharacters(text: string, { characters }: Layout): void {
  const bad = characters && [...text].find((one) => !characters.test(one));
  if (bad !== undefined) throw badCharacter({ r: bad });
}

/** Extensions by their letter. Empty ones and letters nobody knows are skipped. */
function extensionsOf(text: string, layout: Layout): ReadonlyMap<string, string> {
  const extensions = new Map<string, string>();
  for (const extension of text.split(layout.splitter)) {
    checkCharacters(extension, layout);
    if (extension.length > 1) extensions.set(extension.charAt(0), extension.slice(1));
  }
  return extensions;
}

/** The parts of a text: EUIs, vendor, extensions. */
function partsOf(text: string, { prefix, separator, lead }: Layout): readonly string[] {
  if (!text.startsWith(prefix)) throw badFormat();
  const rest = text.slice(prefix.length);
  const [joinEui = '', devEui = '', ...further] = rest.split(separator);
  const [vendor = '', ...extensions] = further.join(separator).split(lead);
  if (!/^[0-9a-fA-F]{8}$/.test(vendor)) throw badFormat();
  return [joinEui, devEui, vendor, extensions.join(lead)];
}

function parse(text: string, layout: Layout): DeviceLabel {
  const [joinEui, devEui, vendor = '', rest = ''] = partsOf(text, layout);
  const extensions = extensionsOf(rest, layout);
  const ownerToken = extensions.get(layout.tokenLetter);
  const serialNumber = extensions.get(SERIAL_LETTER);
  return {
    joinEui: readEui(joinEui),
    devEui: readEui(devEui),
    vendorId: Number.parseInt(vendor.slice(0, 4), 16),
    vendorProfileId: Number.parseInt(vendor.slice(4), 16),
    ...(ownerToken !== undefined && { ownerToken }),
    ...(serialNumber !== undefined && { serialNumber }),
  };
}

function format(label: DeviceLabel, layout: Layout): string {
  const { prefix, separator, lead, splitter, tokenLetter } = layout;
  const { joinEui = '', devEui, vendorId, vendorProfileId, ownerToken, serialNumber } = label;
  const extensions = [
    ...(ownerToken ? [`${tokenLetter}${ownerToken}`] : []),
    ...(serialNumber ? [`${SERIAL_LETTER}${serialNumber}`] : []),
  ];
  for (const extension of extensions) checkCharacters(extension, layout);
  const head = `${prefix}${[joinEui, devEui, `${hex16(vendorId)}${hex16(vendorProfileId)}`].join(separator)}`;
  // In the draft with `%`, every extension begins with one, the first behind a colon.
  const first = lead === splitter ? lead : `${lead}${splitter}`;
  return extensions.length > 0 ? `${head}${first}${extensions.join(splitter)}` : head;
}

const FIELDS = ['claim_authentication_code.value', 'ids.dev_eui', 'ids.join_eui'];

function labelFormat(
  id: string,
  name: string,
  description: string,
  layout: Layout,
  prepare = (text: string): string => text,
): LabelFormat {
  return {
    id,
    name,
    description,
    fields: FIELDS,
    templatePaths: ['ids', 'claim_authentication_code'],
    parse: (text) => parse(prepare(text), layout),
    format: (label) => format(label, layout),
  };
}

const tr005 = labelFormat(
  'tr005',
  'LoRa Alliance TR005',
  'QR code of the technical recommendation TR005.',
  { prefix: 'LW:D0:', separator: ':', lead: ':', splitter: ':', tokenLetter: 'O' },
);
const tr005Draft2 = labelFormat(
  'tr005draft2',
  'LoRa Alliance TR005 draft 2',
  'QR code of the second draft of TR005, with extensions behind percent signs.',
  {
    prefix: 'URN:LW:DP:',
    separator: ':',
    lead: ':',
    splitter: '%',
    characters: /[0-9A-Z$*+\-./]/,
    tokenLetter: 'V',
  },
  // Scanners that take the text for an address write its percent signs so.
  (text) => text.replaceAll('%25', '%'),
);
const tr005Draft3 = labelFormat(
  'tr005draft3',
  'LoRa Alliance TR005 draft 3',
  'QR code of the third draft of TR005, with parts behind underscores.',
  {
    prefix: 'URN:DEV:LW:',
    separator: '_',
    lead: '_',
    splitter: '_',
    characters: /[0-9A-Z]/,
    tokenLetter: 'V',
  },
);
const devEuiOnly: LabelFormat = {
  id: 'dev_eui',
  name: 'DevEUI',
  description: 'The 16 hex digits of a DevEUI and nothing else.',
  fields: ['ids.dev_eui'],
  templatePaths: ['ids.dev_eui'],
  parse: (text) => ({ devEui: readEui(text), vendorId: 0, vendorProfileId: 0 }),
  format: ({ devEui }) => devEui,
};

/** All formats, in the order in which a text is tried. */
export const LABEL_FORMATS: readonly LabelFormat[] = [tr005, tr005Draft2, tr005Draft3, devEuiOnly];
