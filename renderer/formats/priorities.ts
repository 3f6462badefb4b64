import { TxSchedulePriority } from '../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';

/** Priorities of downlinks, lowest first. */
export const PRIORITIES: readonly {
  readonly priority: TxSchedulePriority;
  readonly label: string;
}[] = [
  { priority: TxSchedulePriority.LOWEST, label: 'Lowest' },
  { priority: TxSchedulePriority.LOW, label: 'Low' },
  { priority: TxSchedulePriority.BELOW_NORMAL, label: 'Below normal' },
  { priority: TxSchedulePriority.NORMAL, label: 'Normal' },
  { priority: TxSchedulePriority.ABOVE_NORMAL, label: 'Above normal' },
  { priority: TxSchedulePriority.HIGH, label: 'High' },
  { priority: TxSchedulePriority.HIGHEST, label: 'Highest' },
];

export function priorityLabel(priority: TxSchedulePriority): string {
  return PRIORITIES.find((known) => known.priority === priority)?.label ?? 'Unknown';
}
