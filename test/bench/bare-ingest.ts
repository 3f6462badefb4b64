/**
 * A process that does the least a server of packet forwarders has to do: take PUSH_DATA, acknowledge it, parse its JSON and
 * its base64. Answers `done` with the datagrams it took and the CPU time they cost, and is what the whole program is
 * compared with.
 */
import { createSocket } from 'node:dgram';

/** What the process answers to `'report'`. */
export interface BareIngestReport {
  readonly datagrams: number;
  readonly cpuSeconds: number;
}

const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const HEADER_BYTES = 12;

const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
let datagrams = 0;
let bytesSeen = 0;
let before = process.cpuUsage();

socket.on('message', (bytes, from) => {
  if (bytes[3] !== 0) return;
  socket.send(
    Buffer.from([bytes[0] ?? 0, bytes[1] ?? 0, bytes[2] ?? 0, 1]),
    from.port,
    from.address,
  );
  const { rxpk } = JSON.parse(bytes.subarray(HEADER_BYTES).toString()) as {
    rxpk: { data: string }[];
  };
  for (const { data } of rxpk) bytesSeen += Buffer.from(data, 'base64').length;
  datagrams += 1;
});
socket.bind(0, '127.0.0.1', () => process.send?.({ port: socket.address().port }));
process.on('message', () => {
  const { user, system } = process.cpuUsage(before);
  before = process.cpuUsage();
  const report: BareIngestReport = {
    datagrams: bytesSeen > 0 ? datagrams : 0,
    cpuSeconds: (user + system) / 1e6,
  };
  datagrams = 0;
  process.send?.(report);
});
