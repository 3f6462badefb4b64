import { create } from '@bufbuild/protobuf';
import { ErrorDetailsSchema } from '../api/gen/ttn/lorawan/v3/error_pb.js';
import {
  type ApplicationDownlink,
  ApplicationDownlink_ConfirmedRetrySchema,
  ApplicationDownlinkSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { sameBytes } from '../base/bytes.ts';
import { CAUSES, type CauseCode } from '../base/causes.ts';
import { STATUS } from '../base/errors.ts';
import type {
  ApplicationHandler,
  DeviceRef,
  DownlinkNotice,
} from '../seams/application-traffic.ts';
import {
  deviceUid,
  errorDetails,
  newUpId,
  publishLostDownlink,
  publishUp,
  type Up,
} from './application-messages.ts';
import type { ApplicationServerOptions } from './application-server.ts';
import { decodedForDisplay } from './decode-downlink.ts';
import { decodedDownlink } from './device-formatters.ts';
import type { ApplicationQueue } from './downlink-queue.ts';
import { dropError, maxRetriesReached } from './errors.ts';
import { skipsPayloadCrypto } from './payload-crypto.ts';
import { appSKeyOf } from './sessions.ts';

/** Attempts of a confirmed downlink when its sender does not say. */
const DEFAULT_ATTEMPTS = 8;

const attemptsOf = ({ confirmedRetry }: ApplicationDownlink): number =>
  confirmedRetry?.maxAttempts ?? DEFAULT_ATTEMPTS;

/** The next attempt of a confirmed downlink, or nothing if it was the last one. */
function nextAttempt(downlink: ApplicationDownlink): ApplicationDownlink | undefined {
  const attempt = (downlink.confirmedRetry?.attempt || 1) + 1;
  const given = downlink.confirmedRetry?.maxAttempts;
  if (attempt > attemptsOf(downlink)) return undefined;
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

  /** In the clear; undefined if nobody has the key of the session it was encrypted for any more. */
  const opened = ({
    device: ref,
    devAddr,
    downlink,
  }: DownlinkNotice): ApplicationDownlink | undefined => {
    const device = findDevice(ref.applicationId, ref.deviceId);
    const sessions = device ? store.applicationSessions.byDevice(device.row) : {};
    const session = [sessions.current, sessions.pending].find(
      (one) => one?.appSKey && sameBytes(one.sessionKeyId, downlink.sessionKeyId),
    );
    if (session) return decodedDownlink(downlink, session);
    const appSKey = device && appSKeyOf(options, ref, downlink.sessionKeyId);
    return appSKey && decodedDownlink(downlink, { appSKey, devAddr });
  };
  const isSkipped = (ref: DeviceRef): boolean => {
    const device = findDevice(ref.applicationId, ref.deviceId);
    return device !== undefined && skipsPayloadCrypto(options, ref.applicationId, device);
  };
  const about = ({ device, devAddr, correlationIds, downlink }: DownlinkNotice) => ({
    device,
    devAddr,
    receivedAtMs: clock.now(),
    correlationIds: [...new Set([...downlink.correlationIds, ...correlationIds]), newUpId()],
  });
  /** Publishes with the decoded payload; at once if there is nothing to decode. */
  const publish = (
    name: string,
    notice: DownlinkNotice,
    upOf: (downlink: ApplicationDownlink) => Up,
    cause?: CauseCode,
  ): void => {
    const common = about(notice);
    const forward = (downlink: ApplicationDownlink): void =>
      publishUp(events, name, { ...common, up: upOf(downlink) }, cause);
    const plain = opened(notice);
    const decoded = plain ? decodedForDisplay(options, notice.device, plain) : notice.downlink;
    if (!(decoded instanceof Promise)) forward(decoded);
    else
      decoded.then(forward).catch((error: unknown) => {
        logger.warn({ error, device: notice.device.deviceId }, 'A downlink was not reported.');
      });
  };
  const tell = (
    name: string,
    notice: DownlinkNotice,
    kind: 'downlinkSent' | 'downlinkAck' | 'downlinkNack',
  ): void => publish(name, notice, (value) => ({ case: kind, value }));
  const downlinkFailed = (notice: DownlinkNotice & { readonly cause: CauseCode }): void => {
    const { cause, downlink } = notice;
    const error =
      cause === 'max_retries_reached'
        ? errorDetails(maxRetriesReached({ max_retries: attemptsOf(downlink) }))
        : create(ErrorDetailsSchema, {
            namespace: 'pkg/networkserver',
            name: cause,
            messageFormat: CAUSES[cause].text,
            code: STATUS.UNKNOWN,
          });
    const upOf = (value: ApplicationDownlink): Up => ({
      case: 'downlinkFailed',
      value: { downlink: value, error },
    });
    publish('as.down.data.failed.forward', notice, upOf, cause);
  };

  return {
    downlinkSent: (notice) => tell('as.down.data.sent.forward', notice, 'downlinkSent'),
    downlinkAcknowledged: (notice) => tell('as.down.data.ack.forward', notice, 'downlinkAck'),
    downlinkFailed,
    downlinkNotAcknowledged(notice) {
      const { device, downlink } = notice;
      const nack = (): void => tell('as.down.data.nack.forward', notice, 'downlinkNack');
      const plain = opened(notice);
      if (!plain) {
        nack();
        if (!isSkipped(device))
          publishLostDownlink(
            events,
            device,
            downlink,
            dropError('unknown_session', deviceUid(device)),
          );
        return;
      }
      const again = nextAttempt(plain);
      if (!again) {
        // The failure goes first, so that the last nack is known to be the last.
        downlinkFailed({ ...notice, cause: 'max_retries_reached' });
        const error = maxRetriesReached({ max_retries: attemptsOf(downlink) });
        publishLostDownlink(events, device, plain, error);
        nack();
        return;
      }
      nack();
      void queue.pushAgain(device, again);
    },
  };
}
