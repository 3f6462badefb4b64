import { create } from '@bufbuild/protobuf';
import { ErrorDetailsSchema } from '../api/gen/ttn/lorawan/v3/error_pb.js';
import {
  type ApplicationDownlink,
  ApplicationDownlink_ConfirmedRetrySchema,
  ApplicationDownlinkFailedSchema,
  ApplicationDownlinkSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { sameBytes } from '../base/bytes.ts';
import { CAUSES, type CauseCode } from '../base/causes.ts';
import { STATUS } from '../base/errors.ts';
import type { ApplicationHandler, DownlinkNotice } from '../seams/application-traffic.ts';
import { publishDownlink, publishUp } from './application-messages.ts';
import type { ApplicationServerOptions } from './application-server.ts';
import { decodedDownlink } from './device-formatters.ts';
import type { ApplicationQueue } from './downlink-queue.ts';

/** Attempts of a confirmed downlink when its sender does not say. */
const DEFAULT_ATTEMPTS = 8;

/** The next attempt of a confirmed downlink, or nothing if it was the last one. */
function nextAttempt(downlink: ApplicationDownlink): ApplicationDownlink | undefined {
  const attempt = (downlink.confirmedRetry?.attempt || 1) + 1;
  const given = downlink.confirmedRetry?.maxAttempts;
  if (attempt > (given ?? DEFAULT_ATTEMPTS)) return undefined;
  return create(ApplicationDownlinkSchema, {
    ...downlink,
    fCnt: 0,
    sessionKeyId: new Uint8Array(),
    confirmedRetry: create(ApplicationDownlink_ConfirmedRetrySchema, {
      attempt,
      ...(given !== undefined && { maxAttempts: given }),
    }),
  });
}

/** Creates what tells applications about their downlinks, and tries unacknowledged ones again. */
export function createDownlinkReports(
  options: ApplicationServerOptions,
  queue: ApplicationQueue,
): Pick<
  ApplicationHandler,
  'downlinkSent' | 'downlinkFailed' | 'downlinkAcknowledged' | 'downlinkNotAcknowledged'
> {
  const { clock, events, findDevice, logger, store } = options;

  /** In the clear; undefined if the session it was encrypted for is gone. */
  const opened = ({ device: ref, downlink }: DownlinkNotice): ApplicationDownlink | undefined => {
    const device = findDevice(ref.applicationId, ref.deviceId);
    const sessions = device ? store.applicationSessions.byDevice(device.row) : {};
    const session = [sessions.current, sessions.pending].find(
      (one) => one?.appSKey && sameBytes(one.sessionKeyId, downlink.sessionKeyId),
    );
    return session && decodedDownlink(downlink, session);
  };
  const about = ({ device, devAddr, correlationIds, downlink }: DownlinkNotice) => ({
    device,
    devAddr,
    receivedAtMs: clock.now(),
    correlationIds: [...new Set([...downlink.correlationIds, ...correlationIds])],
  });
  const tell = (
    name: string,
    notice: DownlinkNotice,
    kind: 'downlinkSent' | 'downlinkAck' | 'downlinkNack',
  ): void =>
    publishUp(events, name, {
      ...about(notice),
      get up() {
        return { case: kind, value: opened(notice) ?? notice.downlink };
      },
    });
  const downlinkFailed = (notice: DownlinkNotice & { readonly cause: CauseCode }): void => {
    const { cause } = notice;
    const up = {
      ...about(notice),
      get up() {
        const error = create(ErrorDetailsSchema, {
          namespace: 'pkg/networkserver',
          name: cause,
          messageFormat: CAUSES[cause].text,
          code: STATUS.UNKNOWN,
        });
        const downlink = opened(notice) ?? notice.downlink;
        const value = create(ApplicationDownlinkFailedSchema, { downlink, error });
        return { case: 'downlinkFailed' as const, value };
      },
    };
    publishUp(events, 'as.down.data.failed.forward', up, cause);
  };

  return {
    downlinkSent: (notice) => tell('as.down.data.sent.forward', notice, 'downlinkSent'),
    downlinkAcknowledged: (notice) => tell('as.down.data.ack.forward', notice, 'downlinkAck'),
    downlinkFailed,
    downlinkNotAcknowledged(notice) {
      const { device, downlink } = notice;
      tell('as.down.data.nack.forward', notice, 'downlinkNack');
      const plain = opened(notice);
      if (!plain) {
        publishDownlink(events, 'as.down.data.drop', device, downlink, 'unknown_session');
        return;
      }
      const again = nextAttempt(plain);
      if (!again) {
        downlinkFailed({ ...notice, cause: 'max_retries_reached' });
        return;
      }
      queue.pushAgain(device, again).catch((error: unknown) => {
        logger.warn({ error, device: device.deviceId }, 'A downlink could not be queued again.');
      });
    },
  };
}
