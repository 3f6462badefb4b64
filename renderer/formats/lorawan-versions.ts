import { MACVersion, PHYVersion } from '../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';

interface VersionRow {
  readonly macVersion: MACVersion;
  readonly label: string;
  /** Versions of the Regional Parameters that go with it, the usual one first. */
  readonly phyVersions: readonly PHYVersion[];
}

const RP002 = [
  PHYVersion.RP002_V1_0_0,
  PHYVersion.RP002_V1_0_1,
  PHYVersion.RP002_V1_0_2,
  PHYVersion.RP002_V1_0_3,
  PHYVersion.RP002_V1_0_4,
];

/** In order of age; enum numbers are not. */
export const LORAWAN_VERSIONS: readonly VersionRow[] = [
  { macVersion: MACVersion.MAC_V1_0, label: '1.0.0', phyVersions: [PHYVersion.PHY_V1_0] },
  { macVersion: MACVersion.MAC_V1_0_1, label: '1.0.1', phyVersions: [PHYVersion.PHY_V1_0_1] },
  {
    macVersion: MACVersion.MAC_V1_0_2,
    label: '1.0.2',
    phyVersions: [PHYVersion.PHY_V1_0_2_REV_B, PHYVersion.PHY_V1_0_2_REV_A],
  },
  { macVersion: MACVersion.MAC_V1_0_3, label: '1.0.3', phyVersions: [PHYVersion.PHY_V1_0_3_REV_A] },
  { macVersion: MACVersion.MAC_V1_0_4, label: '1.0.4', phyVersions: [...RP002].reverse() },
  {
    macVersion: MACVersion.MAC_V1_1,
    label: '1.1.0',
    phyVersions: [PHYVersion.PHY_V1_1_REV_B, PHYVersion.PHY_V1_1_REV_A, ...RP002],
  },
];

const PHY_LABELS: Readonly<Record<number, string>> = {
  [PHYVersion.PHY_V1_0]: 'TS001 1.0',
  [PHYVersion.PHY_V1_0_1]: 'TS001 1.0.1',
  [PHYVersion.PHY_V1_0_2_REV_A]: 'RP001 1.0.2',
  [PHYVersion.PHY_V1_0_2_REV_B]: 'RP001 1.0.2 rev B',
  [PHYVersion.PHY_V1_0_3_REV_A]: 'RP001 1.0.3 rev A',
  [PHYVersion.PHY_V1_1_REV_A]: 'RP001 1.1 rev A',
  [PHYVersion.PHY_V1_1_REV_B]: 'RP001 1.1 rev B',
  [PHYVersion.RP002_V1_0_0]: 'RP002 1.0.0',
  [PHYVersion.RP002_V1_0_1]: 'RP002 1.0.1',
  [PHYVersion.RP002_V1_0_2]: 'RP002 1.0.2',
  [PHYVersion.RP002_V1_0_3]: 'RP002 1.0.3',
  [PHYVersion.RP002_V1_0_4]: 'RP002 1.0.4',
};

export function macVersionLabel(version: MACVersion): string {
  return LORAWAN_VERSIONS.find((row) => row.macVersion === version)?.label ?? 'unknown';
}

export function phyVersionLabel(version: PHYVersion): string {
  return PHY_LABELS[version] ?? 'unknown';
}

export function phyVersionsFor(version: MACVersion): readonly PHYVersion[] {
  return LORAWAN_VERSIONS.find((row) => row.macVersion === version)?.phyVersions ?? [];
}
