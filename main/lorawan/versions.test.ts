import { describe, expect, it } from 'vitest';
import {
  isAtLeast,
  isPhyAtLeast,
  MAC_VERSIONS,
  macVersionName,
  PHY_VERSIONS,
  parseMacVersion,
  parsePhyVersion,
  phyVersionsOf,
} from './versions.ts';

describe('LoRaWAN versions', () => {
  it('are ordered by age, not by their number in the API', () => {
    expect(isAtLeast('1.0.3', '1.0.2')).toBe(true);
    expect(isAtLeast('1.0.4', '1.1.0')).toBe(false);
    expect(isAtLeast('1.1.0', '1.0.4')).toBe(true);
    expect(isAtLeast('1.0.3', '1.0.3')).toBe(true);
  });

  it('are read in all their spellings', () => {
    for (const version of MAC_VERSIONS) {
      expect(parseMacVersion(version)).toBe(version);
      expect(parseMacVersion(macVersionName(version))).toBe(version);
    }
    expect(parseMacVersion('1.0')).toBe('1.0.0');
    expect(parseMacVersion('1.1')).toBe('1.1.0');
    expect(parseMacVersion('MAC_UNKNOWN')).toBeUndefined();
    expect(parseMacVersion('2.0')).toBeUndefined();
  });
});

describe('Regional Parameters versions', () => {
  it('are read by both names', () => {
    for (const version of PHY_VERSIONS) expect(parsePhyVersion(version)).toBe(version);
    expect(parsePhyVersion('RP001_V1_0_2')).toBe('PHY_V1_0_2_REV_A');
    expect(parsePhyVersion('TS001_V1_0')).toBe('PHY_V1_0');
    expect(parsePhyVersion('PHY_UNKNOWN')).toBeUndefined();
  });

  it('belong to LoRaWAN versions', () => {
    expect(phyVersionsOf('1.0.3')).toEqual(['PHY_V1_0_3_REV_A']);
    expect(phyVersionsOf('1.0.4')).toHaveLength(5);
    expect(isPhyAtLeast('RP002_V1_0_0', 'PHY_V1_1_REV_B')).toBe(true);
    expect(isPhyAtLeast('PHY_V1_0_1', 'PHY_V1_0_2_REV_A')).toBe(false);
  });
});
