import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandKey } from '../crypto/index.ts';
import type { FieldSpan } from '../field-span.ts';
import { formatHex, parseHex } from '../hex.ts';
import { type DevAddr, parseDevAddr, parseEui64, parseNetId } from '../identifiers.ts';
import {
  type DataFrame,
  decodeFrame,
  frameLayout,
  openDataFrame,
  openJoinAccept,
  sealJoinAccept,
  sealUplink,
} from './index.ts';

/** The tree as lines `name @offset+length /mask = value`, indented by depth. */
function outline(spans: readonly FieldSpan[], depth = 0): string[] {
  return spans.flatMap((span) => {
    const mask = span.bitMask === undefined ? '' : ` /${span.bitMask.toString(16)}`;
    const mark = span.decrypted ? ' *' : '';
    const line = `${'  '.repeat(depth)}${span.name} @${span.offset}+${span.length}${mask} = ${span.value}${mark}`;
    return [line, ...outline(span.children, depth + 1)];
  });
}

const key = expandKey(new Uint8Array(16).fill(9));
const keys = { fNwkSIntKey: key, sNwkSIntKey: key, nwkSEncKey: key, appSKey: key };
const devAddr: DevAddr = parseDevAddr('02ABCDEF')!;

describe('frameLayout', () => {
  it('shows an uplink from MHDR to MIC', () => {
    const bytes = parseHex('40EFCDAB0282050003070ADDCCBB01020304')!;
    const fOpts = bytes.slice(8, 10);
    expect(outline(frameLayout(bytes, { fOpts, frmPayload: Uint8Array.of(1, 2, 3) }))).toEqual([
      'lorawan.mhdr @0+1 = 40',
      '  lorawan.mhdr.ftype @0+1 /e0 = 2',
      '  lorawan.mhdr.rfu @0+1 /1c = 0',
      '  lorawan.mhdr.major @0+1 /3 = 0',
      'lorawan.fhdr @1+9 = EFCDAB028205000307',
      '  lorawan.fhdr.devaddr @1+4 = 02ABCDEF',
      '  lorawan.fhdr.fctrl @5+1 = 82',
      '    lorawan.fhdr.fctrl.adr @5+1 /80 = 1',
      '    lorawan.fhdr.fctrl.adrackreq @5+1 /40 = 0',
      '    lorawan.fhdr.fctrl.ack @5+1 /20 = 0',
      '    lorawan.fhdr.fctrl.classb @5+1 /10 = 0',
      '    lorawan.fhdr.fctrl.foptslen @5+1 /f = 2',
      '  lorawan.fhdr.fcnt @6+2 = 5',
      '  lorawan.fhdr.fopts @8+2 = 0307',
      '    lorawan.mac.LinkAdrAns @8+2 = 0x03',
      '      lorawan.mac.cid @8+1 = 0x03',
      '      lorawan.mac.LinkAdrAns.channelMaskAck @9+1 /1 = 1',
      '      lorawan.mac.LinkAdrAns.dataRateIndexAck @9+1 /2 = 1',
      '      lorawan.mac.LinkAdrAns.txPowerIndexAck @9+1 /4 = 1',
      'lorawan.fport @10+1 = 10',
      'lorawan.frmpayload @11+3 = 010203 *',
      'lorawan.mic @14+4 = 01020304',
    ]);
  });

  it('shows MAC commands of FPort 0 once they are decrypted', () => {
    const sealed = sealUplink(
      { confirmed: false, devAddr, fPort: 0, frmPayload: parseHex('0602FF05')! },
      { keys, fullFCnt: 1, lorawan11: false },
    );
    const frame = decodeFrame(sealed) as DataFrame;
    const { frmPayload } = openDataFrame(frame, { keys, fullFCnt: 1, lorawan11: false });
    const payload = frameLayout(sealed, { frmPayload }).find(
      (span) => span.name === 'lorawan.frmpayload',
    )!;
    expect(outline(payload.children)).toEqual([
      'lorawan.mac.DevStatusAns @9+3 = 0x06 *',
      '  lorawan.mac.cid @9+1 = 0x06 *',
      '  lorawan.mac.DevStatusAns.battery @10+1 = 2 *',
      '  lorawan.mac.DevStatusAns.marginDb @11+1 /3f = -1 dB *',
      'lorawan.mac.unread @12+1 = 1 bytes *',
    ]);
  });

  it('does not pretend to read what is encrypted', () => {
    const bytes = parseHex('60EFCDAB02110500AA0ADD01020304')!;
    const spans = frameLayout(bytes);
    const payload = spans.find((span) => span.name === 'lorawan.frmpayload')!;
    expect(payload).toMatchObject({ value: 'DD', text: 'encrypted', children: [] });
    const fOpts = spans[1]!.children.find((span) => span.name === 'lorawan.fhdr.fopts')!;
    expect(fOpts).toMatchObject({ value: 'AA', children: [] });
    const bits = spans[1]!.children[1]!.children.map((span) => span.label);
    expect(bits).toEqual(['ADR', 'RFU', 'ACK', 'FPending', 'FOptsLen']);
  });

  it('opens a join-accept with its CFList', () => {
    const sealed = sealJoinAccept(
      {
        joinNonce: 7,
        netId: parseNetId('000001')!,
        devAddr,
        dlSettings: { rx1DrOffset: 1, rx2Dr: 3, optNeg: false },
        rxDelay: 5,
        cfList: parseHex('184F84E85684B85E84886684586E8400')!,
      },
      { encryptionKey: key, integrityKey: key },
    );
    expect(frameLayout(sealed)[1]).toMatchObject({ offset: 1, length: 32, text: 'encrypted' });
    const { message, mic } = openJoinAccept(sealed, key)!;
    const joinAccept = Uint8Array.of(...message, ...mic);
    expect(outline(frameLayout(sealed, { joinAccept })).slice(4)).toEqual([
      'lorawan.join_accept.joinnonce @1+3 = 7 *',
      'lorawan.join_accept.netid @4+3 = 000001 *',
      'lorawan.join_accept.devaddr @7+4 = 02ABCDEF *',
      'lorawan.join_accept.dlsettings @11+1 = 13 *',
      '  lorawan.join_accept.dlsettings.optneg @11+1 /80 = 0 *',
      '  lorawan.join_accept.dlsettings.rx1droffset @11+1 /70 = 1 *',
      '  lorawan.join_accept.dlsettings.rx2dr @11+1 /f = 3 *',
      'lorawan.join_accept.rxdelay @12+1 = 5 s *',
      'lorawan.join_accept.cflist @13+16 = 184F84E85684B85E84886684586E8400 *',
      '  lorawan.join_accept.cflist.freq @13+3 = 867.100 MHz *',
      '  lorawan.join_accept.cflist.freq @16+3 = 867.300 MHz *',
      '  lorawan.join_accept.cflist.freq @19+3 = 867.500 MHz *',
      '  lorawan.join_accept.cflist.freq @22+3 = 867.700 MHz *',
      '  lorawan.join_accept.cflist.freq @25+3 = 867.900 MHz *',
      '  lorawan.join_accept.cflist.type @28+1 = 0 *',
      `lorawan.mic @29+4 = ${formatHex(mic)} *`,
    ]);
  });

  it('shows join- and rejoin-requests with EUIs as printed', () => {
    const eui = parseEui64('70B3D57ED0001234')!;
    const join = frameLayout(parseHex('00341200D07ED5B370341200D07ED5B370020001020304')!);
    expect(join.map((span) => [span.label, span.value]).slice(1)).toEqual([
      ['JoinEUI', eui],
      ['DevEUI', eui],
      ['DevNonce', '2'],
      ['MIC', '01020304'],
    ]);
    const rejoin = frameLayout(parseHex('C000130000341200D07ED5B370050001020304')!);
    expect(rejoin.map((span) => [span.label, span.offset, span.length]).slice(1)).toEqual([
      ['Rejoin type', 1, 1],
      ['NetID', 2, 3],
      ['DevEUI', 5, 8],
      ['RJcount0', 13, 2],
      ['MIC', 15, 4],
    ]);
  });

  it('covers each byte of any bytes exactly once at the top level and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 48 }), (bytes) => {
        const clear = { fOpts: bytes.slice(8, 8 + ((bytes[5] ?? 0) & 15)), joinAccept: bytes };
        let next = 0;
        for (const span of frameLayout(bytes, clear)) {
          if (span.offset !== next) throw new Error(`gap before ${span.name}`);
          next += span.length;
        }
        if (next !== bytes.length) throw new Error('bytes not shown');
      }),
      { numRuns: 20_000 },
    );
  });
});
