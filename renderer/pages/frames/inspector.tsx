import { Group, Switch, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { Dissection, Frame } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import { useApi } from '../../client/api-context.ts';
import { CopyButton } from '../../components/copy-value.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { SkeletonRows } from '../../components/skeleton-rows.tsx';
import { toHex } from '../../formats/bytes.ts';
import { useLoad } from '../../state/use-load.ts';
import { useWatch } from '../../state/watch-context.ts';
import { FieldTree } from './field-tree.tsx';
import { buildHexModel } from './hex-model.ts';
import { HexView } from './hex-view.tsx';
import classes from './inspector.module.css';
import { InspectorHead } from './inspector-head.tsx';
import { PayloadSection } from './payload-section.tsx';
import { ReceptionTable, TransmissionFacts } from './reception-table.tsx';
import { VerdictColumn } from './verdict-column.tsx';

interface InspectorProps {
  readonly frameId: bigint;
  onSelect(id: bigint): void;
  onClose(): void;
}

interface BodyProps {
  readonly frame: Frame;
  readonly dissection: Dissection;
}

function IssueList({ dissection }: { readonly dissection: Dissection }) {
  return dissection.issues.map((issue) => (
    <Text key={`${issue.offset}/${issue.code}`} size="xs" c="red" mt={4}>
      Byte {issue.offset}: {issue.message}
    </Text>
  ));
}

function whyNotDecrypted({ fType }: Frame): string {
  return fType.endsWith('JOIN_REQUEST') ? 'Nothing is encrypted' : 'Nothing to decrypt, or no keys';
}

function InspectorBody({ frame, dissection }: BodyProps) {
  const [hovered, setHovered] = useState<number>();
  const [chosen, setChosen] = useState<number>();
  const [clear, setClear] = useState(true);
  const canDecrypt = dissection.decrypted.length > 0;
  const bytes = clear && canDecrypt ? dissection.decrypted : frame.phyPayload;
  const model = useMemo(
    () => buildHexModel(dissection.fields, frame.phyPayload.length),
    [dissection, frame],
  );
  const choose = (index: number): void => setChosen((old) => (old === index ? undefined : index));
  const highlight = { model, hovered, chosen, onHover: setHovered, onChoose: choose };
  return (
    <div className={classes.columns}>
      <div className={classes.column}>
        <VerdictColumn frame={frame} />
      </div>
      <div className={classes.column} style={{ padding: 0 }}>
        <FieldTree {...highlight} bytes={frame.phyPayload} decrypted={dissection.decrypted} />
      </div>
      <div className={classes.column}>
        <Group justify="space-between" mb={6}>
          <Group gap={4}>
            <Text size="sm" fw={560}>
              PHYPayload
            </Text>
            <CopyButton
              value={toHex(bytes)}
              label={clear && canDecrypt ? 'decrypted bytes as hex' : 'PHYPayload as hex'}
            />
          </Group>
          <Switch
            size="xs"
            label={canDecrypt ? 'Decrypted' : whyNotDecrypted(frame)}
            checked={clear && canDecrypt}
            disabled={!canDecrypt}
            onChange={(event) => setClear(event.currentTarget.checked)}
            data-testid="decrypted-switch"
          />
        </Group>
        <HexView
          {...highlight}
          bytes={bytes}
          original={frame.phyPayload}
          issues={dissection.issues}
        />
        <IssueList dissection={dissection} />
        <PayloadSection frame={frame} />
        {frame.transmission !== undefined && (
          <TransmissionFacts transmission={frame.transmission} />
        )}
        {frame.receptions.length > 0 && <ReceptionTable receptions={frame.receptions} />}
      </div>
    </div>
  );
}

/** One frame from its verdict down to its bits. */
export function Inspector({ frameId, onSelect, onClose }: InspectorProps) {
  const api = useApi();
  // A downlink changes after it was shown (acknowledged, failed): the ring then holds a new object.
  const live = useWatch((state) => state.frames.find((frame) => frame.id === frameId));
  const version = `${live?.verdict?.outcome ?? ''}/${live?.receptions.length ?? ''}`;
  const answer = useLoad(
    `frame/${frameId}`,
    (signal) => api.frames.get({ id: frameId }, { signal }),
    version,
  );
  const { frame, dissection } = answer.data ?? {};
  return (
    <section className={classes.inspector} aria-label="Frame inspector" data-testid="inspector">
      <InspectorHead frame={frame ?? live} onSelect={onSelect} onClose={onClose} />
      {frame !== undefined && dissection !== undefined ? (
        <InspectorBody key={String(frame.id)} frame={frame} dissection={dissection} />
      ) : (
        <div className={classes.column}>
          {answer.problem === undefined ? (
            <SkeletonRows count={8} height={16} />
          ) : (
            <ProblemAlert
              problem={answer.problem}
              title="The frame cannot be shown"
              onRetry={answer.reload}
            />
          )}
        </div>
      )}
    </section>
  );
}
