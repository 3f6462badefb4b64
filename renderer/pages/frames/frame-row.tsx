// biome-ignore-all lint/a11y/useSemanticElements: a table element cannot hold rows that are drawn on demand.
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus and names the active row.
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { memo } from 'react';
import type { Frame } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import { StatusDot } from '../../components/status-dot.tsx';
import { toHex } from '../../formats/bytes.ts';
import {
  bestSignal,
  codeInWords,
  frameSubject,
  frameTypeLabel,
  gatewayCount,
  isUplink,
  outcomeStyle,
} from '../../formats/frame-words.ts';
import { formatDataRate, formatFrequency } from '../../formats/radio.ts';
import { clockTime, dateTime, timestampMs } from '../../formats/time.ts';
import classes from './frame-table.module.css';

interface FrameRowProps {
  readonly frame: Frame;
  /** Place in the table, counted from the heading. */
  readonly position: number;
  readonly offsetPx: number;
  readonly active: boolean;
  readonly selected: boolean;
  onPick(id: bigint): void;
}

function signalText(frame: Frame): string {
  if (!isUplink(frame)) {
    const eirp = frame.transmission?.eirpDbm;
    return eirp === undefined ? '–' : `${Math.round(eirp * 10) / 10} dBm EIRP`;
  }
  const { rssiDbm, snrDb } = bestSignal(frame);
  const rssi = rssiDbm === undefined ? '–' : Math.round(rssiDbm);
  const snr = snrDb === undefined ? '–' : Math.round(snrDb * 10) / 10;
  return `${rssi} dBm / ${snr} dB`;
}

function subjectTitle(frame: Frame): string {
  const lines = [
    frame.endDeviceIds?.deviceId ?? '',
    frame.devAddr.length > 0 ? `DevAddr ${toHex(frame.devAddr)}` : '',
    frame.devEui.length > 0 ? `DevEUI ${toHex(frame.devEui)}` : '',
    frame.joinEui.length > 0 ? `JoinEUI ${toHex(frame.joinEui)}` : '',
  ];
  return lines.filter((line) => line !== '').join('\n');
}

function VerdictCell({ frame }: { readonly frame: Frame }) {
  const verdict = frame.verdict;
  const { label, color } = outcomeStyle(verdict?.outcome);
  const cause = verdict?.cause ?? '';
  return (
    <span role="gridcell" className={classes.verdict} title={verdict?.text || label}>
      <StatusDot color={color} />
      <span className="truncate">
        {label}
        {cause !== '' && <span className={classes.dim}> · {codeInWords(cause)}</span>}
      </span>
    </span>
  );
}

function DirectionCell({ up }: { readonly up: boolean }) {
  const Icon = up ? IconArrowUp : IconArrowDown;
  return (
    <span role="gridcell" className={up ? classes.up : classes.down}>
      <Icon size={15} aria-label={up ? 'Uplink' : 'Downlink'} style={{ display: 'block' }} />
    </span>
  );
}

/** One frame as a line. */
export const FrameRow = memo(function FrameRow(props: FrameRowProps) {
  const { frame } = props;
  const ms = timestampMs(frame.time);
  const known = frame.endDeviceIds !== undefined;
  const counter = frame.fullFCnt ?? frame.fCnt;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the grid, which has the focus.
    <div
      role="row"
      tabIndex={-1}
      id={`frame-${frame.id}`}
      className={classes.row}
      aria-selected={props.selected}
      aria-rowindex={props.position}
      data-active={props.active}
      data-testid="frame-row"
      style={{ transform: `translateY(${props.offsetPx}px)` }}
      onClick={() => props.onPick(frame.id)}
    >
      <span role="gridcell" className="mono" title={ms === undefined ? '' : dateTime(ms)}>
        {ms === undefined ? '–' : clockTime(ms)}
      </span>
      <DirectionCell up={isUplink(frame)} />
      <span role="gridcell" className="truncate">
        {frameTypeLabel(frame.fType)}
      </span>
      <span
        role="gridcell"
        className={known ? 'truncate' : `truncate mono ${classes.dim}`}
        title={subjectTitle(frame)}
      >
        {frameSubject(frame)}
      </span>
      <span role="gridcell" className={`mono ${classes.number}`}>
        {counter ?? '–'}
      </span>
      <span role="gridcell" className={`mono ${classes.number}`}>
        {frame.fPort ?? '–'}
      </span>
      <span role="gridcell" className="truncate">
        {formatDataRate(frame.dataRate, frame.dataRateIndex)}
      </span>
      <span role="gridcell" className={`${classes.wide} ${classes.number}`}>
        {formatFrequency(frame.frequencyHz)}
      </span>
      <span role="gridcell" className={`truncate ${classes.number}`}>
        {signalText(frame)}
      </span>
      <span role="gridcell" className={`${classes.wide} ${classes.number}`}>
        {gatewayCount(frame) || '–'}
      </span>
      <VerdictCell frame={frame} />
    </div>
  );
});
