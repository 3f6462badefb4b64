/** What an import reads at most. What is beyond the first three ends it; the others cost a file and a line of the report. */
export interface ImportLimits {
  /** Files and folders of a repository. */
  readonly entries: number;
  /** Bytes of a ZIP file. */
  readonly archiveBytes: number;
  /** Bytes of everything in it, unpacked. */
  readonly totalBytes: number;
  readonly yamlBytes: number;
  readonly scriptBytes: number;
  readonly imageBytes: number;
  /** Levels a YAML file may nest. */
  readonly yamlDepth: number;
  /** References to an anchor in one YAML file. */
  readonly yamlAliases: number;
  /** Values of one YAML file, counted each time they are referred to. */
  readonly yamlNodes: number;
  /** Lines the report keeps; further ones are only counted. */
  readonly problems: number;
}

/** The public repository has about 2,000 devices in 12,000 files; these leave it room to grow tenfold. */
export const IMPORT_LIMITS: ImportLimits = {
  entries: 100_000,
  archiveBytes: 2 * 1024 ** 3,
  totalBytes: 4 * 1024 ** 3,
  yamlBytes: 1024 * 1024,
  scriptBytes: 512 * 1024,
  imageBytes: 8 * 1024 * 1024,
  yamlDepth: 24,
  yamlAliases: 100,
  yamlNodes: 100_000,
  problems: 10_000,
};
