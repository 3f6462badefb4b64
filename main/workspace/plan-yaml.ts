import {
  constructFromEvents,
  EVENT_ID,
  type Event,
  getScalarValue,
  parseEvents,
  YAMLException,
} from 'js-yaml';

/** A document with the line of each of its fields, or where it cannot be read. */
export type PlanText =
  | {
      readonly ok: true;
      readonly document: unknown;
      /** Line, from 1, of a path such as `uplink-channels[2].frequency`, or of the nearest thing around it. */
      lineOf(path: string): number | undefined;
    }
  | { readonly ok: false; readonly reason: string; readonly line: number | undefined };

const MAX_DEPTH = 12;
/** Anchors are welcome; thousands of aliases are somebody's attack. */
const MAX_ALIASES = 100;

interface Open {
  readonly path: string;
  /** Items so far; undefined in a mapping. */
  index: number | undefined;
  /** Key whose value comes next, with its place. */
  key: { readonly path: string; readonly offset: number } | undefined;
}

/** Where a node begins. */
function offsetOf(event: Event): number {
  if (event.type === EVENT_ID.SCALAR) return event.valueStart;
  if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) return event.start;
  return event.type === EVENT_ID.ALIAS ? event.anchorStart : -1;
}

/** Path of the node that begins, or nothing if it is a key. */
function placeOf(
  parent: Open | undefined,
  event: Event,
  source: string,
): { readonly path: string; readonly offset: number } | undefined {
  const offset = offsetOf(event);
  if (!parent) return { path: '', offset };
  if (parent.index !== undefined) {
    const path = `${parent.path}[${parent.index}]`;
    parent.index += 1;
    return { path, offset };
  }
  if (parent.key) {
    const { key } = parent;
    parent.key = undefined;
    return key;
  }
  const name = event.type === EVENT_ID.SCALAR ? String(getScalarValue(source, event)) : '?';
  parent.key = { path: parent.path === '' ? name : `${parent.path}.${name}`, offset };
  return undefined;
}

/** Offset of each field by its path. */
function offsetsOf(events: readonly Event[], source: string): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>();
  const open: (Open | 'document')[] = [];
  for (const event of events) {
    if (event.type === EVENT_ID.POP) {
      open.pop();
      continue;
    }
    if (event.type === EVENT_ID.DOCUMENT) {
      open.push('document');
      continue;
    }
    const parent = open.at(-1);
    const place = placeOf(parent === 'document' ? undefined : parent, event, source);
    if (place) offsets.set(place.path, place.offset);
    const path = place?.path ?? '?';
    if (event.type === EVENT_ID.MAPPING) open.push({ path, index: undefined, key: undefined });
    if (event.type === EVENT_ID.SEQUENCE) open.push({ path, index: 0, key: undefined });
  }
  return offsets;
}

const lineAt = (source: string, offset: number): number =>
  source.slice(0, Math.max(0, offset)).split(/\r\n|\r|\n/).length;

/** Reads YAML, or JSON, which is YAML too. Never throws. */
export function readPlanText(source: string): PlanText {
  try {
    const events = parseEvents(source, { maxDepth: MAX_DEPTH });
    const documents = constructFromEvents(events, { source, maxAliases: MAX_ALIASES });
    if (documents.length !== 1)
      return { ok: false, reason: 'holds no document, or several', line: undefined };
    const offsets = offsetsOf(events, source);
    return {
      ok: true,
      document: documents[0],
      lineOf(path) {
        let at = path;
        while (at !== '') {
          const offset = offsets.get(at);
          if (offset !== undefined) return lineAt(source, offset);
          at = at.slice(0, Math.max(0, at.lastIndexOf('.'), at.lastIndexOf('[')));
        }
        return undefined;
      },
    };
  } catch (error) {
    if (!(error instanceof YAMLException))
      return { ok: false, reason: 'cannot be read as YAML or JSON', line: undefined };
    const line = error.mark ? error.mark.line + 1 : undefined;
    return { ok: false, reason: `cannot be read as YAML or JSON: ${error.reason}`, line };
  }
}
