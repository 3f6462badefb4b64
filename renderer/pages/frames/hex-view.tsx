import { Fragment } from 'react';
import type { DissectionIssue } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import type { Highlight } from './field-tree.tsx';
import type { HexModel } from './hex-model.ts';
import classes from './inspector.module.css';

interface HexViewProps extends Highlight {
  readonly model: HexModel;
  /** The bytes shown. */
  readonly bytes: Uint8Array;
  /** The bytes as transmitted; where they differ, the shown ones are decrypted. */
  readonly original: Uint8Array;
  readonly issues: readonly DissectionIssue[];
  onHover(index: number | undefined): void;
  onChoose(index: number): void;
}

const PER_LINE = 16;

function covers(model: HexModel, index: number | undefined, byte: number): boolean {
  const node = index === undefined ? undefined : model.nodes[index];
  return node !== undefined && byte >= node.start && byte < node.end;
}

function HexByte({ view, index }: { readonly view: HexViewProps; readonly index: number }) {
  const byte = view.bytes[index] ?? 0;
  const owner = view.model.ownerOfByte[index];
  const field = owner === undefined ? undefined : view.model.nodes[owner]?.field;
  const text = byte.toString(16).toUpperCase().padStart(2, '0');
  return (
    <button
      type="button"
      tabIndex={-1}
      className={classes.byte}
      data-lit={covers(view.model, view.hovered, index)}
      data-chosen={covers(view.model, view.chosen, index)}
      data-changed={byte !== view.original[index]}
      data-issue={view.issues.some(
        ({ offset, length }) => index >= offset && index < offset + Math.max(1, length),
      )}
      data-testid="hex-byte"
      title={`Byte ${index} · ${byte} · ${byte.toString(2).padStart(8, '0')}${field === undefined ? '' : `\n${field.label || field.name}`}`}
      onMouseEnter={() => view.onHover(owner)}
      onMouseLeave={() => view.onHover(undefined)}
      onClick={() => {
        if (owner !== undefined) view.onChoose(owner);
      }}
    >
      {text}
    </button>
  );
}

/** The frame byte by byte; bytes and fields light up each other. */
export function HexView(props: HexViewProps) {
  const lines = Array.from({ length: Math.ceil(props.bytes.length / PER_LINE) }, (_, line) => line);
  return (
    <section className={classes.hex} aria-label="Bytes">
      {lines.map((line) => (
        <Fragment key={line}>
          <span className={classes.offset}>
            {(line * PER_LINE).toString(16).toUpperCase().padStart(2, '0')}
          </span>
          {Array.from({ length: PER_LINE }, (_, column) => {
            const index = line * PER_LINE + column;
            return index < props.bytes.length ? (
              <HexByte key={index} view={props} index={index} />
            ) : (
              <span key={index} />
            );
          })}
        </Fragment>
      ))}
    </section>
  );
}
