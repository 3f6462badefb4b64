/** The network side of LoRaWAN 1.1 for tests: frames, MICs and keys come from lora-packet, ciphers from Node. */
import { createDecipheriv } from 'node:crypto';
import loraPacket from 'lora-packet';
import type { GatewayUplink, LinkSink } from '../../base/gateway-link.ts';
import type { VirtualGateway } from '../virtual-gateway.ts';
import {
  downlinkAfter,
  hexBytes,
  type JoinAnswer,
  type NetworkDownlink,
  type NetworkUplink,
  type Placement,
} from './lora-packet-network.ts';

type Packet = ReturnType<typeof loraPacket.fromWire>;

export interface Keys11 {
  readonly fNwkSIntKey: Buffer;
  readonly sNwkSIntKey: Buffer;
  readonly nwkSEncKey: Buffer;
  readonly appSKey: Buffer;
}

export interface Session11 extends Keys11 {
  readonly devAddr: Buffer;
}

/** A join- or rejoin-request whose MIC was right. */
export interface HeardJoin {
  readonly type: 'join' | 0 | 1 | 2;
  /** DevNonce or RJcount. */
  readonly nonce: number;
  readonly reception: GatewayUplink;
}

export interface NetworkUplink11 extends NetworkUplink {
  readonly devAddrHex: string;
  readonly fOptsOnAirHex: string;
}

export interface RootKeys11 {
  readonly appKeyHex: string;
  readonly nwkKeyHex: string;
  readonly devEuiHex: string;
  readonly joinEuiHex: string;
}

const NET_ID = hexBytes('000001');
/** Channels of EU863-870 that every device knows. */
const EU_CHANNELS_HZ = [868_100_000, 868_300_000, 868_500_000];
const OPT_NEG = 0x80;

const reversed = (bytes: Buffer): Buffer => Buffer.from(bytes).reverse();
const uint16 = (value: number): Buffer => Buffer.of((value >> 8) & 0xff, value & 0xff);

/** What the first half of an uplink's MIC covers: ConfFCnt, and data rate and channel of EU863-870. */
function placeOf(
  { frequencyHz, modulation }: GatewayUplink,
  channelsHz: readonly number[],
  confFCnt: number,
): Buffer {
  const rate = modulation.kind === 'lora' ? 12 - modulation.spreadingFactor : 7;
  const lead = Buffer.of(0, 0, rate, channelsHz.indexOf(frequencyHz));
  lead.writeUInt16BE(confFCnt & 0xffff);
  return lead;
}

export class LoraPacketNetwork11 {
  readonly joins: HeardJoin[] = [];
  readonly uplinks: NetworkUplink11[] = [];
  readonly log: string[] = [];
  session: Session11 | undefined;
  joinAnswer: JoinAnswer | undefined;
  /** Whether it says that it speaks LoRaWAN 1.1. */
  optNeg = true;
  channelsHz = EU_CHANNELS_HZ;
  nextJoinNonce = 1;
  onUplink: ((uplink: NetworkUplink11) => void) | undefined;
  nFCntDown = 0;
  aFCntDown = 0;
  /** Counter of the confirmed downlink that the next uplink acknowledges. */
  confFCnt = 0;
  readonly #gateway: VirtualGateway;
  readonly #roots: {
    readonly appKey: Buffer;
    readonly nwkKey: Buffer;
    readonly joinEui: Buffer;
    readonly jsIntKey: Buffer;
    readonly jsEncKey: Buffer;
  };

  constructor(gateway: VirtualGateway, roots: RootKeys11) {
    this.#gateway = gateway;
    const nwkKey = hexBytes(roots.nwkKeyHex);
    const { JSIntKey, JSEncKey } = loraPacket.generateJSKeys(nwkKey, hexBytes(roots.devEuiHex));
    this.#roots = {
      appKey: hexBytes(roots.appKeyHex),
      nwkKey,
      joinEui: hexBytes(roots.joinEuiHex),
      jsIntKey: JSIntKey,
      jsEncKey: JSEncKey,
    };
  }

  readonly sink: LinkSink = {
    uplink: (uplink) => this.#uplink(uplink),
    status: () => undefined,
    connected: () => undefined,
    disconnected: () => undefined,
    state: () => undefined,
    malformed: (code) => this.log.push(code),
  };

  /** Transmits a downlink; each kind has its counter. FOpts are given in the clear. */
  send(reception: GatewayUplink, placement: Placement, downlink: NetworkDownlink): void {
    const phyPayload = this.seal(downlink);
    void this.#gateway.transmit(downlinkAfter(reception, placement, phyPayload));
  }

  /** A downlink of the session that acknowledges the uplink heard last if it says ACK. */
  seal(downlink: NetworkDownlink): Buffer {
    const session = this.#activeSession();
    const isCountedByApplication = (downlink.fPort ?? 0) > 0;
    const fCnt = downlink.fCnt ?? (isCountedByApplication ? this.aFCntDown : this.nFCntDown);
    if (isCountedByApplication) this.aFCntDown = fCnt + 1;
    else this.nFCntDown = fCnt + 1;
    if (downlink.confirmed) this.confFCnt = fCnt;
    const packet = loraPacket.fromFields(
      {
        MType: downlink.confirmed ? 'Confirmed Data Down' : 'Unconfirmed Data Down',
        DevAddr: session.devAddr,
        FCtrl: { ACK: downlink.ack ?? false, FPending: downlink.fPending ?? false },
        FCnt: uint16(fCnt),
        FOpts: downlink.fOptsHex ?? '',
        payload: hexBytes(downlink.payloadHex ?? ''),
        ...(downlink.fPort !== undefined && { FPort: downlink.fPort }),
      },
      session.appSKey,
      session.nwkSEncKey,
    );
    packet.encryptFOpts(session.nwkSEncKey);
    const { MHDR, MACPayload } = packet;
    if (!MHDR || !MACPayload) throw new Error('lora-packet built no frame');
    const head = Buffer.concat([MHDR, MACPayload]);
    const lead = Buffer.alloc(2);
    if (downlink.ack) lead.writeUInt16LE((this.uplinks.at(-1)?.fCnt ?? 0) & 0xffff);
    const mic = loraPacket.calculateMIC(
      loraPacket.fromWire(Buffer.concat([head, Buffer.alloc(4)])),
      undefined,
      session.sNwkSIntKey,
      undefined,
      lead,
    );
    return Buffer.concat([head, mic]);
  }

  #activeSession(): Session11 {
    if (!this.session) throw new Error('the test network has no session');
    return this.session;
  }

  #uplink(reception: GatewayUplink): void {
    const packet = loraPacket.fromWire(Buffer.from(reception.phyPayload));
    if (packet.isJoinRequestMessage()) this.#joinRequest(reception, packet);
    else if (packet.isRejoinRequestMessage()) this.#rejoinRequest(reception, packet);
    else this.#data(reception, packet);
  }

  #joinRequest(reception: GatewayUplink, packet: Packet): void {
    const { nwkKey } = this.#roots;
    if (!loraPacket.verifyMIC(packet, undefined, nwkKey)) {
      this.log.push('join-request with bad MIC');
      return;
    }
    const nonce = packet.DevNonce?.readUInt16BE() ?? -1;
    this.joins.push({ type: 'join', nonce, reception });
    this.#accept(reception, 0xff, nonce, nwkKey);
  }

  #rejoinRequest(reception: GatewayUplink, packet: Packet): void {
    const { jsEncKey, jsIntKey } = this.#roots;
    const sNwkSIntKey = this.session?.sNwkSIntKey;
    const type = packet.RejoinType?.[0] as 0 | 1 | 2;
    if (!loraPacket.verifyMIC(packet, sNwkSIntKey, jsIntKey)) {
      this.log.push(`rejoin-request ${type} with bad MIC`);
      return;
    }
    // lora-packet finds RJcount1 at a wrong place.
    const nonce =
      type === 1
        ? Buffer.from(reception.phyPayload).readUInt16LE(18)
        : (packet.RJCount0?.readUInt16BE() ?? -1);
    this.joins.push({ type, nonce, reception });
    this.#accept(reception, type, nonce, jsEncKey);
  }

  /** Answers a join- or rejoin-request and begins the session. */
  #accept(reception: GatewayUplink, joinReqType: number, nonce: number, key: Buffer): void {
    const answer = this.joinAnswer;
    if (!answer) return;
    const { appKey, joinEui, jsIntKey, nwkKey } = this.#roots;
    const joinNonce = Buffer.alloc(3);
    joinNonce.writeUIntBE(this.nextJoinNonce, 0, 3);
    this.nextJoinNonce += 1;
    const devAddr = Buffer.concat([hexBytes('0212F0'), joinNonce.subarray(2)]);
    const body = Buffer.concat([
      Buffer.of(0x20),
      reversed(joinNonce),
      reversed(NET_ID),
      reversed(devAddr),
      Buffer.of((answer.dlSettings ?? 0) | (this.optNeg ? OPT_NEG : 0), answer.rxDelay ?? 1),
      hexBytes(answer.cfListHex ?? ''),
    ]);
    const packet = loraPacket.fromWire(Buffer.concat([body, Buffer.alloc(4)]));
    packet.JoinReqType = Buffer.of(joinReqType);
    packet.JoinEUI = joinEui;
    packet.DevNonce = uint16(nonce);
    const mic = loraPacket.calculateMIC(packet, jsIntKey, nwkKey);
    const cipher = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false);
    const sealed = cipher.update(Buffer.concat([body.subarray(1), mic]));
    this.session = { devAddr, ...this.#keys(joinNonce, nonce, appKey) };
    this.nFCntDown = 0;
    this.aFCntDown = 0;
    const phyPayload = Buffer.concat([Buffer.of(0x20), sealed]);
    void this.#gateway.transmit(downlinkAfter(reception, answer.placement(reception), phyPayload));
  }

  #keys(joinNonce: Buffer, nonce: number, appKey: Buffer): Keys11 {
    const { joinEui, nwkKey } = this.#roots;
    if (!this.optNeg) {
      const old = loraPacket.generateSessionKeys10(nwkKey, NET_ID, joinNonce, uint16(nonce));
      const { NwkSKey: shared, AppSKey: appSKey } = old;
      return { fNwkSIntKey: shared, sNwkSIntKey: shared, nwkSEncKey: shared, appSKey };
    }
    const keys = loraPacket.generateSessionKeys11(
      appKey,
      nwkKey,
      joinEui,
      joinNonce,
      uint16(nonce),
    );
    return {
      fNwkSIntKey: keys.FNwkSIntKey,
      sNwkSIntKey: keys.SNwkSIntKey,
      nwkSEncKey: keys.NwkSEncKey,
      appSKey: keys.AppSKey,
    };
  }

  #data(reception: GatewayUplink, packet: Packet): void {
    const { appSKey, fNwkSIntKey, nwkSEncKey, sNwkSIntKey } = this.#activeSession();
    const payload = packet.FRMPayload?.length
      ? loraPacket.decrypt(packet, appSKey, nwkSEncKey)
      : Buffer.alloc(0);
    const ack = packet.getFCtrlACK() ?? false;
    const lead = placeOf(reception, this.channelsHz, ack ? this.confFCnt : 0);
    const micValid = this.optNeg
      ? loraPacket.verifyMIC(packet, fNwkSIntKey, sNwkSIntKey, undefined, lead)
      : loraPacket.verifyMIC(packet, fNwkSIntKey);
    const fOptsOnAirHex = packet.FOpts?.toString('hex') ?? '';
    const uplink: NetworkUplink11 = {
      reception,
      devAddrHex: packet.DevAddr?.toString('hex') ?? '',
      confirmed: packet.isConfirmed(),
      fCnt: packet.getFCnt() ?? -1,
      fPort: packet.getFPort() ?? undefined,
      ack,
      adr: packet.getFCtrlADR() ?? false,
      adrAckReq: packet.getFCtrlADRACKReq() ?? false,
      fOptsOnAirHex,
      fOptsHex: this.optNeg ? packet.decryptFOpts(nwkSEncKey).toString('hex') : fOptsOnAirHex,
      payloadHex: payload.toString('hex'),
      micValid,
    };
    this.uplinks.push(uplink);
    this.onUplink?.(uplink);
  }
}
