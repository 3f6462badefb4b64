import { expect } from 'vitest';
import { API_KEY, type HeadlessProcess } from './headless-process.ts';

/** JSON of an answer. */
export type Json = Record<string, unknown>;

/** Calls below `/api/v3` of a running program, as an administrator; anything but 200 fails the test. */
export type Api = (method: string, path: string, body?: unknown) => Promise<Json>;

export function programApi(program: HeadlessProcess): Api {
  return async (method, path, body) => {
    const answer = await fetch(`http://${program.addresses.http}/api/v3${path}`, {
      method,
      headers: { authorization: `Bearer ${API_KEY}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const json = (await answer.json()) as Json;
    expect(answer.status, JSON.stringify(json)).toBe(200);
    return json;
  };
}

/** What the API says of the built-in listener for packet forwarders. */
export interface UdpLinkStatus {
  readonly malformed: Readonly<Record<string, number>>;
  readonly received: number;
  readonly refused: number;
  readonly causeCode: string;
  readonly gateways: readonly { readonly gateway_eui: string; readonly uplink_count: number }[];
}

/** Reads it; counts are text in JSON because they have 64 bits. */
export async function udpLinkStatus(api: Api): Promise<UdpLinkStatus> {
  const { links } = (await api('GET', '/gatehouse/links')) as {
    links: {
      link: { id: string };
      malformed?: Record<string, string>;
      received_count?: string;
      refused_count?: string;
      cause_code?: string;
      gateways?: { gateway_eui: string; uplink_count?: string }[];
    }[];
  };
  const status = links.find(({ link }) => link.id === 'udp');
  if (!status) throw new Error('There is no built-in listener.');
  return {
    malformed: Object.fromEntries(
      Object.entries(status.malformed ?? {}).map(([code, count]) => [code, Number(count)]),
    ),
    received: Number(status.received_count ?? 0),
    refused: Number(status.refused_count ?? 0),
    causeCode: status.cause_code ?? '',
    gateways: (status.gateways ?? []).map((one) => ({
      gateway_eui: one.gateway_eui,
      uplink_count: Number(one.uplink_count ?? 0),
    })),
  };
}
