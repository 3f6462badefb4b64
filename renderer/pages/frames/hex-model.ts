import type { DissectionField } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';

/** One line of the field tree, with its place in the bytes. */
export interface FieldNode {
  /** Position in the flat list; also its identity while a frame is shown. */
  readonly index: number;
  readonly parent: number | undefined;
  readonly depth: number;
  readonly field: DissectionField;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  readonly hasChildren: boolean;
}

export interface HexModel {
  /** Depth first, as shown. */
  readonly nodes: readonly FieldNode[];
  /** By byte: the smallest field around it, undefined where nothing was understood. */
  readonly ownerOfByte: readonly (number | undefined)[];
}

function flatten(
  fields: readonly DissectionField[],
  parent: number | undefined,
  depth: number,
  into: FieldNode[],
): void {
  for (const field of fields) {
    const index = into.length;
    into.push({
      index,
      parent,
      depth,
      field,
      start: field.offset,
      end: field.offset + field.length,
      hasChildren: field.children.length > 0,
    });
    flatten(field.children, index, depth + 1, into);
  }
}

/**
 * Prepares a dissection for a view where fields and bytes point at each other. A byte that several bit fields share
 * belongs to the field around them.
 */
export function buildHexModel(fields: readonly DissectionField[], byteCount: number): HexModel {
  const nodes: FieldNode[] = [];
  flatten(fields, undefined, 0, nodes);
  const ownerOfByte = Array.from({ length: byteCount }, (_, byte) => {
    let owner: FieldNode | undefined;
    for (const node of nodes) {
      if (byte < node.start || byte >= node.end || node.field.bitMask !== 0) continue;
      if (owner === undefined || node.end - node.start <= owner.end - owner.start) owner = node;
    }
    return owner?.index ?? nodes.find((node) => byte >= node.start && byte < node.end)?.index;
  });
  return { nodes, ownerOfByte };
}

/**
 * The bits of a field as dissectors write them: bits outside the mask are dots, e.g. `..1. ....`. The bytes are read least
 * significant first, as LoRaWAN sends them. Undefined without a mask.
 */
export function bitPattern(bytes: Uint8Array, mask: number): string | undefined {
  if (mask === 0 || bytes.length === 0 || bytes.length > 4) return undefined;
  const value = bytes.reduce((sum, byte, index) => sum + byte * 2 ** (8 * index), 0);
  let text = '';
  for (let bit = bytes.length * 8 - 1; bit >= 0; bit -= 1) {
    const wanted = Math.floor(mask / 2 ** bit) % 2 === 1;
    text += wanted ? String(Math.floor(value / 2 ** bit) % 2) : '.';
    if (bit % 4 === 0 && bit !== 0) text += ' ';
  }
  return text;
}

/**
 * Where a key leads from a field, as in any tree: up and down line by line, left to the field around it, right to the first
 * one inside. Undefined if the key means nothing here.
 */
export function nodeByKey(model: HexModel, from: number, key: string): number | undefined {
  const last = model.nodes.length - 1;
  const node = model.nodes[from];
  if (node === undefined) return undefined;
  switch (key) {
    case 'ArrowDown':
      return Math.min(last, from + 1);
    case 'ArrowUp':
      return Math.max(0, from - 1);
    case 'ArrowLeft':
      return node.parent ?? from;
    case 'ArrowRight':
      return node.hasChildren ? from + 1 : from;
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return undefined;
  }
}
