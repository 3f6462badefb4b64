import { isMessage } from '@bufbuild/protobuf';
import {
  type ApplicationUp,
  ApplicationUpSchema,
} from '../../api/gen/ttn/lorawan/v3/messages_pb.js';
import type { Logger } from '../../base/logger.ts';
import type { EventBus } from '../../events/index.ts';
import type { Call } from '../call.ts';

/** Messages that may wait for a slow subscriber; the oldest go beyond that. */
const CAPACITY = 128;

export interface SubscriptionOptions {
  readonly events: EventBus;
  readonly logger: Logger;
}

/** Events that tell what went to an application; those about a single downlink on its way carry no ApplicationUp. */
const isForward = (name: string): boolean =>
  name.startsWith('as.') && name.endsWith('.forward') && name !== 'as.down.data.forward';

/**
 * What goes to an application and its devices, from now on. A subscriber that reads too slowly loses the oldest messages,
 * which nothing in the stream can say; the log does.
 */
export async function* subscribeToApplication(
  applicationId: string,
  { signal }: Call,
  { events, logger }: SubscriptionOptions,
): AsyncGenerator<ApplicationUp> {
  const entity = { kind: 'application', applicationId } as const;
  const subscription = events.subscribe({
    entities: [entity],
    matchesName: isForward,
    capacity: CAPACITY,
  });
  const close = (): void => subscription.close();
  if (signal.aborted) close();
  signal.addEventListener('abort', close, { once: true });
  events.publish({ name: 'as.application.subscribe', identifiers: [entity] });
  try {
    for (let batch = await subscription.next(); batch; batch = await subscription.next()) {
      if (batch.skipped > 0)
        logger.warn(
          { application: applicationId, skipped: batch.skipped },
          'A subscriber of an application reads too slowly and lost messages.',
        );
      for (const event of batch.events) {
        const message = event.data()?.message;
        if (isMessage(message, ApplicationUpSchema)) yield message;
      }
    }
  } finally {
    signal.removeEventListener('abort', close);
    close();
    events.publish({ name: 'as.application.unsubscribe', identifiers: [entity] });
  }
}
