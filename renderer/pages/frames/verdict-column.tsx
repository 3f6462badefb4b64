import { Alert, Badge, Group, Text } from '@mantine/core';
import { IconBulb } from '@tabler/icons-react';
import type { Frame, Stage } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import { StatusDot } from '../../components/status-dot.tsx';
import { codeInWords, evidenceText, outcomeStyle, stageLabel } from '../../formats/frame-words.ts';
import classes from './inspector.module.css';

function StageBlock({ stage }: { readonly stage: Stage }) {
  const { label, color } = outcomeStyle(stage.outcome);
  return (
    <div>
      <Group gap={7} wrap="nowrap">
        <StatusDot color={color} />
        <Text size="sm" fw={560}>
          {stageLabel(stage.kind)}
        </Text>
        <Text size="sm" c="dimmed" className="truncate" title={stage.cause}>
          {label.toLowerCase()}
          {stage.cause !== '' && ` · ${codeInWords(stage.cause)}`}
        </Text>
      </Group>
      {stage.evidence.length > 0 && (
        <dl className={classes.evidence}>
          {stage.evidence.map((evidence, index) => (
            <div key={index} style={{ display: 'contents' }}>
              <dt title={evidence.name}>{codeInWords(evidence.name)}</dt>
              <dd className="mono">{evidenceText(evidence)}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

/** What was decided, why, and what to do. */
export function VerdictColumn({ frame }: { readonly frame: Frame }) {
  const verdict = frame.verdict;
  const { label, color } = outcomeStyle(verdict?.outcome);
  return (
    <div data-testid="verdict">
      <Group gap={8} mb={6}>
        <Badge color={color} variant="light" radius="sm">
          {label}
        </Badge>
        {verdict !== undefined && verdict.cause !== '' && (
          <Text size="xs" c="dimmed" className="mono">
            {verdict.cause}
          </Text>
        )}
      </Group>
      {verdict !== undefined && verdict.text !== '' && <Text size="sm">{verdict.text}</Text>}
      {verdict !== undefined && verdict.suggestion !== '' && (
        <Alert mt={8} p="xs" color="yellow" variant="light" icon={<IconBulb size={16} />}>
          <Text size="sm">{verdict.suggestion}</Text>
        </Alert>
      )}
      <div className={classes.stages}>
        {verdict?.stages.map((stage, index) => (
          <StageBlock key={index} stage={stage} />
        ))}
      </div>
    </div>
  );
}
