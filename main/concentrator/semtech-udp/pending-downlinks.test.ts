import { expect, test } from 'vitest';
import type { TxAcknowledgment } from '../../base/gateway-link.ts';
import { createPendingDownlinks } from './pending-downlinks.ts';

test('an acknowledgement read after an hour of sleep tells the outcome and no round trip', () => {
  const pending = createPendingDownlinks();
  const settled: TxAcknowledgment[] = [];
  for (const token of [1, 2])
    pending.add({ token, sentAtMs: 1_000, settle: (answer) => settled.push(answer) });
  pending.acknowledge(1, { result: 'success' }, 1_080);
  pending.acknowledge(2, { result: 'too_late' }, 3_601_000);
  expect(settled).toEqual([{ result: 'success', roundTripMs: 80 }, { result: 'too_late' }]);
});
