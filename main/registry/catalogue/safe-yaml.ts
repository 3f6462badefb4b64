import { CORE_SCHEMA, FAILSAFE_SCHEMA, load, mergeTag } from 'js-yaml';
import { errorText } from '../../base/errors.ts';
import type { ImportLimits } from './limits.ts';
import { FileProblem } from './repository-source.ts';

/**
 * `text` keeps every scalar as it is written, so that a version `1.0` stays one; `typed` makes numbers and flags of what
 * looks like them, as examples of payloads need.
 */
export type YamlMode = 'text' | 'typed';

const SCHEMAS = {
  text: FAILSAFE_SCHEMA.withTags(mergeTag),
  typed: CORE_SCHEMA.withTags(mergeTag),
} as const;

/** References may nest deeper than the text, or without end. */
const MOST_LEVELS = 100;

/** Counts values as they would be written out; a few anchors that refer to each other make millions of them. */
function countNodes(value: unknown, budget: { left: number }, levels: number): void {
  budget.left -= 1;
  if (budget.left < 0 || levels < 0)
    throw new FileProblem('yaml', 'The file unfolds to too many values or levels.');
  if (typeof value !== 'object' || value === null) return;
  for (const inner of Object.values(value)) countNodes(inner, budget, levels - 1);
}

/** Reads one YAML document. Throws a {@link FileProblem} for anything broken, too deep or too large. */
export function parseYaml(bytes: Uint8Array, mode: YamlMode, limits: ImportLimits): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const value = load(text, {
      schema: SCHEMAS[mode],
      maxDepth: limits.yamlDepth,
      maxAliases: limits.yamlAliases,
      maxTotalMergeKeys: 1_000,
    });
    countNodes(value, { left: limits.yamlNodes }, MOST_LEVELS);
    return value;
  } catch (error) {
    if (error instanceof FileProblem) throw error;
    const [firstLine = ''] = errorText(error).split('\n');
    throw new FileProblem('yaml', `The file is no YAML this program reads: ${firstLine}`, {
      cause: error,
    });
  }
}
