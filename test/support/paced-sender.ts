import { createSocket } from 'node:dgram';

/** Sends datagrams no faster than the program takes them, so that the system drops none on the way. */
export interface PacedSender {
  readonly sent: number;
  send(bytes: Uint8Array): Promise<void>;
  /** Resolves once the program has taken everything sent so far. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Sent without a sign that they were taken: together a fraction of what the smallest receive buffer holds. */
const MOST_IN_FLIGHT = 64;
const MOST_BYTES_IN_FLIGHT = 48 * 1024;

/** `gatewayEui` (16 hex digits) is that of the gateway whose PULL_DATA the sender waits for, once per burst. */
export async function createPacedSender(port: number, gatewayEui: string): Promise<PacedSender> {
  const socket = createSocket('udp4');
  let sent = 0;
  let inFlight = 0;
  let bytesInFlight = 0;
  let token = 0;
  let acknowledged: ((token: number) => void) | undefined;
  socket.on('message', (bytes) => {
    if (bytes[3] === 4) acknowledged?.(bytes.readUInt16BE(1));
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const transmit = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      sent += 1;
      socket.send(bytes, port, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
    });
  const settled = async (): Promise<void> => {
    token = (token + 1) & 0xffff;
    const expected = token;
    const pull = Buffer.from(`02${expected.toString(16).padStart(4, '0')}02${gatewayEui}`, 'hex');
    const taken = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('The program stopped answering.')), 8_000);
      acknowledged = (heard) => {
        if (heard !== expected) return;
        clearTimeout(timer);
        resolve();
      };
    });
    await transmit(pull);
    await taken;
    inFlight = 0;
    bytesInFlight = 0;
  };
  return {
    get sent() {
      return sent;
    },
    async send(bytes) {
      if (inFlight >= MOST_IN_FLIGHT || bytesInFlight + bytes.length > MOST_BYTES_IN_FLIGHT)
        await settled();
      inFlight += 1;
      bytesInFlight += bytes.length;
      await transmit(bytes);
    },
    settled,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
