import type { AbpDevice } from './abp-device.ts';
import type { UdpForwarder } from './udp-forwarder.ts';

/** The `rxpk` of a frame heard at 868.1 MHz with SF7. */
export function rxpkOf(phyPayload: Uint8Array, tmst: number): Record<string, unknown> {
  return {
    tmst,
    freq: 868.1,
    chan: 0,
    rfch: 1,
    stat: 1,
    modu: 'LORA',
    datr: 'SF7BW125',
    codr: '4/5',
    rssi: -57,
    lsnr: 9.5,
    size: phyPayload.length,
    data: Buffer.from(phyPayload).toString('base64'),
  };
}

/** One confirmed uplink and its answer. */
export interface Exchange {
  /** From sending the uplink until the PULL_RESP arrived. */
  readonly answeredAfterMs: number;
  /** From the arrival of the PULL_RESP until its transmission, as its `tmst` says. */
  readonly leadMs: number;
  readonly payload: Buffer;
}

let nextTmst = 1_000_000;

/** Sends a confirmed uplink and waits for its acknowledgement, whose transmission it confirms to the network. */
export async function exchange(forwarder: UdpForwarder, device: AbpDevice): Promise<Exchange> {
  nextTmst += 10_000_000;
  const tmst = nextTmst;
  const answer = forwarder.nextDownlink((txpk) => {
    const opened = device.open(Buffer.from(String(txpk.data), 'base64'));
    return opened?.ack === true && Number(txpk.tmst) > tmst;
  });
  const sentAtMs = performance.now();
  forwarder.pushOnly({ rxpk: [rxpkOf(device.uplink({ confirmed: true }), tmst)] });
  const { body, token } = await answer;
  const answeredAfterMs = performance.now() - sentAtMs;
  forwarder.acknowledge(token);
  const txpk = body?.txpk ?? {};
  const opened = device.open(Buffer.from(String(txpk.data), 'base64'));
  return {
    answeredAfterMs,
    leadMs: (Number(txpk.tmst) - tmst) / 1_000 - answeredAfterMs,
    payload: opened?.payload ?? Buffer.alloc(0),
  };
}
