import type { UplinkFault } from './device-faults.ts';
import type { AcceptedDownlink, DeviceLinkLayer, PreparedUplink } from './device-link-layer.ts';
import { countsJoins } from './device-radio-settings.ts';
import type { DeviceReport } from './device-report.ts';
import { maxApplicationPayload, type SignableFrame, type UplinkRequest } from './device-uplink.ts';

/** A frame to be transmitted now. */
export interface OutgoingFrame {
  readonly frame: SignableFrame;
  readonly fault: UplinkFault | undefined;
  /** It was on the air before. */
  readonly isRepetition: boolean;
}

/** A frame that may still be repeated. */
interface Transmission extends PreparedUplink {
  readonly transmissionsLeft: number;
}

const CONFIRMED_TRANSMISSIONS = 4;
const MAX_QUEUED_UPLINKS = 16;

/** What waits to be sent in a session, and the frame that may still be repeated. */
export class DeviceUplinks {
  /** A frame without payload is to be sent: something waits in the network, or has to be acknowledged. */
  emptyUplinkDue = false;
  readonly #report: DeviceReport;
  #queue: readonly UplinkRequest[] = [];
  #current: Transmission | undefined;
  #lastFrame: Uint8Array | undefined;

  constructor(report: DeviceReport) {
    this.#report = report;
  }

  get queuedCount(): number {
    return this.#queue.length;
  }

  get isFull(): boolean {
    return this.#queue.length >= MAX_QUEUED_UPLINKS;
  }

  /** Whether there is anything to be sent before the next measurement. */
  get isWaiting(): boolean {
    return this.#current !== undefined || this.#queue.length > 0 || this.emptyUplinkDue;
  }

  /** The last frame as it was on the air. */
  get lastFrame(): Uint8Array | undefined {
    return this.#lastFrame;
  }

  /** Forgets everything but the last frame. */
  clear(): void {
    this.#queue = [];
    this.#current = undefined;
    this.emptyUplinkDue = false;
  }

  push(request: UplinkRequest): void {
    this.#queue = [...this.#queue, request];
  }

  /** The next frame: a repetition, or a new one with what is queued. Undefined if nothing could be sent after all. */
  next(link: DeviceLinkLayer): OutgoingFrame | undefined {
    if (this.#current) return this.#transmission(this.#current, true);
    this.emptyUplinkDue = false;
    const [request] = this.#queue;
    const last = this.#lastFrame;
    if (request?.fault?.kind === 'replay' && last) {
      this.#queue = this.#queue.slice(1);
      return { frame: () => last, fault: request.fault, isRepetition: false };
    }
    const maxLength = maxApplicationPayload(link.maxMacPayloadBytes);
    if (request && request.payload.length > maxLength) {
      this.#queue = this.#queue.slice(1);
      this.#report.problem(
        `A payload of ${request.payload.length} bytes was not sent: DR${link.dataRateIndex} carries at most ${maxLength}.`,
      );
      return undefined;
    }
    const prepared = link.prepare(request);
    const { carries, confirmed, fCnt } = prepared;
    if (carries) {
      this.#queue = this.#queue.slice(1);
      this.#report.uplink({ ...carries, fCnt, confirmed });
    }
    const { macVersion, nbTrans } = link.settings;
    // NbTrans holds for confirmed uplinks as well since TS001-1.0.4 §5.2, and in LoRaWAN 1.1 §5.3.
    const transmissionsLeft =
      confirmed && !countsJoins(macVersion) ? CONFIRMED_TRANSMISSIONS : nbTrans;
    return this.#transmission({ ...prepared, transmissionsLeft }, false);
  }

  /** A frame is on the air. */
  sent(phyPayload: Uint8Array): void {
    this.#lastFrame = phyPayload;
  }

  /** It could not be sent, and is given up. */
  giveUp(): void {
    this.#current = undefined;
  }

  /** A downlink came: the present frame need not be repeated. */
  answered({ ack, confirmed, fPending }: AcceptedDownlink): void {
    if (ack && this.#current?.confirmed) this.#report.acknowledgedCount += 1;
    if (ack || !this.#current?.confirmed) this.#current = undefined;
    if (fPending || confirmed) this.emptyUplinkDue = true;
  }

  /** The windows of a transmission are over; the frame is given up after the last one. */
  windowsOver(): void {
    const current = this.#current;
    if (!current || current.transmissionsLeft > 0) return;
    this.#current = undefined;
    if (current.confirmed)
      this.#report.problem(`The network did not acknowledge the uplink with FCnt ${current.fCnt}.`);
  }

  /** Whether the device has something to send soon after its windows. */
  get isPressing(): boolean {
    return this.#current !== undefined || this.emptyUplinkDue;
  }

  #transmission(transmission: Transmission, isRepetition: boolean): OutgoingFrame {
    this.#current = {
      ...transmission,
      transmissionsLeft: transmission.transmissionsLeft - 1,
    };
    const { carries, frame } = transmission;
    return { frame, fault: carries?.fault, isRepetition };
  }
}
