import { type KeyboardEvent, type Ref, useEffect, useRef, useState } from 'react';
import { toHex } from '../../formats/bytes.ts';
import { bitPattern, type FieldNode, type HexModel, nodeByKey } from './hex-model.ts';
import classes from './inspector.module.css';

export interface Highlight {
  /** Field under the pointer or the keyboard. */
  readonly hovered: number | undefined;
  /** Field that was clicked; stays. */
  readonly chosen: number | undefined;
}

interface FieldTreeProps extends Highlight {
  readonly model: HexModel;
  readonly bytes: Uint8Array;
  readonly decrypted: Uint8Array;
  onHover(index: number | undefined): void;
  onChoose(index: number): void;
}

function bytesOf(node: FieldNode, props: FieldTreeProps): Uint8Array {
  const source = node.field.decrypted && props.decrypted.length > 0 ? props.decrypted : props.bytes;
  return source.slice(node.start, node.end);
}

function nodeTitle(node: FieldNode): string {
  const where = `byte ${node.start}${node.end - node.start > 1 ? `–${node.end - 1}` : ''}`;
  const mask =
    node.field.bitMask === 0
      ? ''
      : `, mask 0x${node.field.bitMask.toString(16).toUpperCase().padStart(2, '0')}`;
  return `${node.field.name}\n${where}${mask}${node.field.decrypted ? ', decrypted' : ''}`;
}

interface NodeLineProps {
  readonly node: FieldNode;
  readonly tree: FieldTreeProps;
  /** The one line that Tab leads to. */
  readonly reachable: boolean;
  readonly line: Ref<HTMLButtonElement>;
}

function NodeLine({ node, tree, reachable, line }: NodeLineProps) {
  const { field } = node;
  const bytes = bytesOf(node, tree);
  const bits = bitPattern(bytes, field.bitMask);
  const value = field.value === '' && !node.hasChildren ? toHex(bytes, ' ') : field.value;
  return (
    <button
      ref={line}
      type="button"
      role="treeitem"
      tabIndex={reachable ? 0 : -1}
      aria-level={node.depth + 1}
      aria-selected={tree.chosen === node.index}
      className={classes.node}
      data-lit={tree.hovered === node.index}
      data-chosen={tree.chosen === node.index}
      data-group={node.hasChildren}
      data-testid="field"
      title={nodeTitle(node)}
      onMouseEnter={() => tree.onHover(node.index)}
      onMouseLeave={() => tree.onHover(undefined)}
      onFocus={() => tree.onHover(node.index)}
      onBlur={() => tree.onHover(undefined)}
      onClick={() => tree.onChoose(node.index)}
    >
      <span className={classes.label} style={{ paddingLeft: node.depth * 13 }}>
        {field.label || field.name}
      </span>
      <span className={classes.value}>
        {bits !== undefined && <span className={`mono ${classes.bits}`}>{bits}&ensp;</span>}
        <span className="mono">{value}</span>
        {field.text !== '' && <span className={classes.meaning}> {field.text}</span>}
      </span>
    </button>
  );
}

/** The frame field by field. One stop for Tab; arrow keys lead from field to field. */
export function FieldTree(props: FieldTreeProps) {
  const { model, chosen } = props;
  const [at, setAt] = useState(0);
  const lines = useRef(new Map<number, HTMLButtonElement>());
  useEffect(() => {
    // Chosen by its bytes, the field may lie out of view.
    if (chosen === undefined) return;
    setAt(chosen);
    lines.current.get(chosen)?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  const onKeyDown = (event: KeyboardEvent): void => {
    const next = nodeByKey(model, at, event.key);
    if (next === undefined) return;
    event.preventDefault();
    setAt(next);
    lines.current.get(next)?.focus();
  };
  return (
    <div role="tree" aria-label="Fields" className={classes.tree} onKeyDown={onKeyDown}>
      {model.nodes.map((node) => (
        <NodeLine
          key={node.index}
          node={node}
          tree={props}
          reachable={node.index === at}
          line={(element) => {
            if (element === null) lines.current.delete(node.index);
            else lines.current.set(node.index, element);
          }}
        />
      ))}
    </div>
  );
}
