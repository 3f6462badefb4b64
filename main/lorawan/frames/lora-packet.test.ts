import fc from 'fast-check';
import loraPacket from 'lora-packet';
import { describe, expect, it } from 'vitest';
import {
  deriveSessionKeys10,
  deriveSessionKeys11,
  expandKey,
  verifyUplinkMic10,
} from '../crypto/index.ts';
import { formatHex } from '../hex.ts';
import { devAddrToBytes, eui64ToBytes, netIdToBytes } from '../identifiers.ts';
import {
  type DataFrame,
  decodeFrame,
  openDataFrame,
  sealDownlink,
  sealJoinAccept,
  sealJoinRequest,
  sealUplink,
} from './index.ts';
import { anyDevAddr, anyEui64, anyNetId, bytesOf } from './test-arbitraries.ts';

/** Checks against an independent implementation of the same specification. */
const anyFrame = fc.record({
  confirmed: fc.boolean(),
  devAddr: anyDevAddr,
  fCnt: fc.integer({ min: 1, max: 0xffff }),
  high: fc.nat(0xffff),
  fPort: fc.integer({ min: 1, max: 223 }),
  payload: fc.uint8Array({ minLength: 1, maxLength: 222 }),
  fOpts: fc.uint8Array({ maxLength: 15 }),
  nwkSKey: bytesOf(16),
  appSKey: bytesOf(16),
  up: fc.boolean(),
});

function highBytes(high: number): Buffer {
  return Buffer.of(high & 0xff, high >> 8);
}

describe('lora-packet', () => {
  it('builds the frames we open', () => {
    fc.assert(
      fc.property(anyFrame, (given) => {
        const packet = loraPacket.fromFields(
          {
            MType: given.confirmed ? 4 : 2,
            DevAddr: Buffer.from(devAddrToBytes(given.devAddr)),
            FCnt: given.fCnt,
            FPort: given.fPort,
            FOpts: Buffer.from(given.fOpts),
            FCtrl: { ADR: true },
            payload: Buffer.from(given.payload),
          },
          Buffer.from(given.appSKey),
          Buffer.from(given.nwkSKey),
          undefined,
          highBytes(given.high),
        );
        const wire = new Uint8Array(packet.PHYPayload!);
        const frame = decodeFrame(wire) as DataFrame;
        expect(frame).toMatchObject({
          fType: given.confirmed ? 'CONFIRMED_UP' : 'UNCONFIRMED_UP',
          devAddr: given.devAddr,
          fCnt: given.fCnt,
          fPort: given.fPort,
          fCtrl: { adr: true, adrAckReq: false, ack: false, classB: false },
        });
        const network = expandKey(given.nwkSKey);
        const fullFCnt = given.high * 0x10000 + given.fCnt;
        expect(verifyUplinkMic10(network, fullFCnt, wire)).toBe(true);
        const keys = {
          fNwkSIntKey: network,
          sNwkSIntKey: network,
          nwkSEncKey: network,
          appSKey: expandKey(given.appSKey),
        };
        const opened = openDataFrame(frame, { keys, fullFCnt, lorawan11: false });
        expect(formatHex(opened.frmPayload!)).toBe(formatHex(given.payload));
      }),
      { numRuns: 200 },
    );
  });

  it('verifies and decrypts the frames we build', () => {
    fc.assert(
      fc.property(anyFrame, (given) => {
        const network = expandKey(given.nwkSKey);
        const keys = {
          fNwkSIntKey: network,
          sNwkSIntKey: network,
          nwkSEncKey: network,
          appSKey: expandKey(given.appSKey),
        };
        const fullFCnt = given.high * 0x10000 + given.fCnt;
        const fields = { ...given, frmPayload: given.payload };
        const options = { keys, fullFCnt, lorawan11: false };
        const wire = given.up ? sealUplink(fields, options) : sealDownlink(fields, options);
        const packet = loraPacket.fromWire(Buffer.from(wire));
        const nwkSKey = Buffer.from(given.nwkSKey);
        const appSKey = Buffer.from(given.appSKey);
        const high = highBytes(given.high);
        expect(loraPacket.verifyMIC(packet, nwkSKey, undefined, high)).toBe(true);
        const clear = loraPacket.decrypt(packet, appSKey, nwkSKey, high);
        expect(formatHex(clear)).toBe(formatHex(given.payload));
      }),
      { numRuns: 200 },
    );
  });

  const anyJoin = fc.record({
    root: bytesOf(16),
    joinEui: anyEui64,
    devEui: anyEui64,
    devNonce: fc.nat(0xffff),
    joinNonce: fc.nat(0xffffff),
    netId: anyNetId,
    devAddr: anyDevAddr,
  });

  it('agrees on joins and session keys', () => {
    fc.assert(
      fc.property(anyJoin, (given) => {
        const root = expandKey(given.root);
        const rootBuffer = Buffer.from(given.root);
        const request = loraPacket.fromWire(Buffer.from(sealJoinRequest(given, root)));
        expect(loraPacket.verifyMIC(request, undefined, rootBuffer)).toBe(true);
        expect(formatHex(request.DevEUI!)).toBe(given.devEui);
        expect(formatHex(request.AppEUI!)).toBe(given.joinEui);

        const dlSettings = { rx1DrOffset: 2, rx2Dr: 3, optNeg: false };
        const accept = sealJoinAccept(
          { ...given, dlSettings, rxDelay: 5 },
          { encryptionKey: root, integrityKey: root },
        );
        const clear = loraPacket.decryptJoinAccept(
          loraPacket.fromWire(Buffer.from(accept)),
          rootBuffer,
        );
        const opened = loraPacket.fromWire(clear);
        expect(formatHex(opened.DevAddr!)).toBe(given.devAddr);
        expect(formatHex(opened.NetID!)).toBe(given.netId);
        expect(formatHex(opened.DLSettings!)).toBe('23');

        const [joinNonce, devNonce] = [Buffer.alloc(3), Buffer.alloc(2)];
        joinNonce.writeUIntBE(given.joinNonce, 0, 3);
        devNonce.writeUInt16BE(given.devNonce);
        const theirs = loraPacket.generateSessionKeys10(
          rootBuffer,
          Buffer.from(netIdToBytes(given.netId)),
          joinNonce,
          devNonce,
        );
        const ours = deriveSessionKeys10(root, root, given);
        expect(formatHex(ours.nwkSKey)).toBe(formatHex(theirs.NwkSKey));
        expect(formatHex(ours.appSKey)).toBe(formatHex(theirs.AppSKey));
        const theirs11 = loraPacket.generateSessionKeys11(
          rootBuffer,
          rootBuffer,
          Buffer.from(eui64ToBytes(given.joinEui)),
          joinNonce,
          devNonce,
        );
        const ours11 = deriveSessionKeys11(root, root, given);
        expect(formatHex(ours11.sNwkSIntKey)).toBe(formatHex(theirs11.SNwkSIntKey));
        expect(formatHex(ours11.nwkSEncKey)).toBe(formatHex(theirs11.NwkSEncKey));
      }),
      { numRuns: 100 },
    );
  });
});
