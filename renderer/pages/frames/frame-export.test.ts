import { create, fromJson } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { Direction, FrameSchema, Outcome } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import { exportHead, exportLines } from './frame-export.ts';

const frame = create(FrameSchema, {
  id: 7n,
  direction: Direction.UPLINK,
  time: { seconds: 1_700_000_000n, nanos: 250_000_000 },
  fType: 'UNCONFIRMED_UP',
  phyPayload: Uint8Array.from([0x40, 0xff]),
  devAddr: Uint8Array.from([2, 0xab, 0x12, 0x34]),
  frequencyHz: 868_100_000n,
  fullFCnt: 0,
  endDeviceIds: { deviceId: 'door', applicationIds: { applicationId: 'lab' } },
  decodedPayload: { note: 'a, "b"' },
  receptions: [{ antennas: [{ channelRssiDbm: -97, snrDb: 7.5 }] }],
  verdict: { outcome: Outcome.DROPPED, cause: '=mic_mismatch' },
});

it('writes a table with one line for each frame, quoted where needed', () => {
  const [head, line, rest] = (exportHead('csv') + exportLines([frame], 'csv')).split('\r\n');
  expect(rest).toBe('');
  const cells = Object.fromEntries(
    (head ?? '').split(',').map((name, index) => [name, (line ?? '').split(',')[index]]),
  );
  expect(cells).toMatchObject({
    id: '7',
    time: '2023-11-14T22:13:20.250Z',
    direction: 'up',
    device_id: 'door',
    dev_addr: '02AB1234',
    f_cnt: '0',
    f_port: '',
    rssi_dbm: '-97',
    snr_db: '7.5',
    cause: "'=mic_mismatch",
    phy_payload: '40FF',
  });
  expect(line).toMatch(/"\{""note"":""a, \\""b\\""""\}"$/);
});

it('writes lines of JSON that read back as the same frames', () => {
  const lines = (exportHead('jsonl') + exportLines([frame, frame], 'jsonl')).trim().split('\n');
  expect(lines).toHaveLength(2);
  expect(fromJson(FrameSchema, JSON.parse(lines[0] ?? ''))).toEqual(frame);
});
