/** LoRaWAN versions of a device, oldest first. Their order is this list; TTS's enum numbers are not in order. */
export const MAC_VERSIONS = ['1.0.0', '1.0.1', '1.0.2', '1.0.3', '1.0.4', '1.1.0'] as const;

/** LoRaWAN version of a device. */
export type MacVersion = (typeof MAC_VERSIONS)[number];

/** Versions of the Regional Parameters, oldest first, by their names in The Things Stack's API. */
export const PHY_VERSIONS = [
  'PHY_V1_0',
  'PHY_V1_0_1',
  'PHY_V1_0_2_REV_A',
  'PHY_V1_0_2_REV_B',
  'PHY_V1_0_3_REV_A',
  'PHY_V1_1_REV_A',
  'PHY_V1_1_REV_B',
  'RP002_V1_0_0',
  'RP002_V1_0_1',
  'RP002_V1_0_2',
  'RP002_V1_0_3',
  'RP002_V1_0_4',
] as const;

/** Version of the Regional Parameters. */
export type PhyVersion = (typeof PHY_VERSIONS)[number];

const MAC_VERSION_NAMES = {
  '1.0.0': 'MAC_V1_0',
  '1.0.1': 'MAC_V1_0_1',
  '1.0.2': 'MAC_V1_0_2',
  '1.0.3': 'MAC_V1_0_3',
  '1.0.4': 'MAC_V1_0_4',
  '1.1.0': 'MAC_V1_1',
} as const satisfies Record<MacVersion, string>;

const MAC_VERSION_ALIASES: Readonly<Record<string, MacVersion>> = {
  '1.0': '1.0.0',
  '1.1': '1.1.0',
};

const PHY_VERSION_ALIASES: Readonly<Record<string, PhyVersion>> = {
  TS001_V1_0: 'PHY_V1_0',
  TS001_V1_0_1: 'PHY_V1_0_1',
  RP001_V1_0_2: 'PHY_V1_0_2_REV_A',
  RP001_V1_0_2_REV_B: 'PHY_V1_0_2_REV_B',
  RP001_V1_0_3_REV_A: 'PHY_V1_0_3_REV_A',
  RP001_V1_1_REV_A: 'PHY_V1_1_REV_A',
  RP001_V1_1_REV_B: 'PHY_V1_1_REV_B',
};

const PHY_VERSIONS_OF_MAC = {
  '1.0.0': ['PHY_V1_0'],
  '1.0.1': ['PHY_V1_0_1'],
  '1.0.2': ['PHY_V1_0_2_REV_A', 'PHY_V1_0_2_REV_B'],
  '1.0.3': ['PHY_V1_0_3_REV_A'],
  '1.0.4': ['RP002_V1_0_0', 'RP002_V1_0_1', 'RP002_V1_0_2', 'RP002_V1_0_3', 'RP002_V1_0_4'],
  '1.1.0': ['PHY_V1_1_REV_A', 'PHY_V1_1_REV_B'],
} as const satisfies Record<MacVersion, readonly PhyVersion[]>;

/** Whether `version` is `other` or newer. */
export function isAtLeast(version: MacVersion, other: MacVersion): boolean {
  return MAC_VERSIONS.indexOf(version) >= MAC_VERSIONS.indexOf(other);
}

/** Whether `version` of the Regional Parameters is `other` or newer. */
export function isPhyAtLeast(version: PhyVersion, other: PhyVersion): boolean {
  return PHY_VERSIONS.indexOf(version) >= PHY_VERSIONS.indexOf(other);
}

/** Reads `1.0.3`, `1.1`, `MAC_V1_0_3`. */
export function parseMacVersion(text: string): MacVersion | undefined {
  const bare = text.replace(/^MAC_/, '').replace(/^V/i, '').replaceAll('_', '.');
  return MAC_VERSIONS.find((version) => version === bare) ?? MAC_VERSION_ALIASES[bare];
}

/** The version's name in The Things Stack's API, e.g. `MAC_V1_0_3`. */
export function macVersionName(version: MacVersion): (typeof MAC_VERSION_NAMES)[MacVersion] {
  return MAC_VERSION_NAMES[version];
}

/** Reads a name of The Things Stack's API, also its second names such as `RP001_V1_0_2`. */
export function parsePhyVersion(text: string): PhyVersion | undefined {
  return PHY_VERSIONS.find((version) => version === text) ?? PHY_VERSION_ALIASES[text];
}

/** Regional Parameters that belong to a LoRaWAN version, oldest first. Devices may combine others. */
export function phyVersionsOf(version: MacVersion): readonly PhyVersion[] {
  return PHY_VERSIONS_OF_MAC[version];
}
