import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { LinkSchema, LinkStatusSchema } from '../../../main/api/gen/gatehouse/v1/links_pb.js';
import {
  draftFromLink,
  draftToLink,
  gatewayConf,
  INITIAL_LINK,
  linkOnPort,
  linkProblems,
} from './link-draft.ts';

it('listens on this computer only unless the network is chosen', () => {
  expect(draftToLink(INITIAL_LINK).config.value).toMatchObject({ host: '127.0.0.1', port: 1700 });
  expect(draftToLink({ ...INITIAL_LINK, reach: 'network' }).config.value).toMatchObject({
    host: '0.0.0.0',
  });
});

it('keeps what the form does not show when a link is changed', () => {
  const eui = new Uint8Array(8).fill(7);
  const former = create(LinkSchema, {
    id: 'modem',
    name: 'Bench',
    enabled: false,
    config: {
      case: 'atModem',
      value: {
        path: '/dev/ttyUSB0',
        frequencyHz: 868_100_000n,
        gatewayEui: eui,
        transmitOffsetMs: 12,
      },
    },
  });
  const draft = draftFromLink(former);
  expect(draft.frequencyMhz).toBe('868.1');
  const changed = draftToLink({ ...draft, frequencyMhz: '868,3' }, former);
  expect(changed).toMatchObject({ id: 'modem', enabled: false });
  expect(changed.config.value).toMatchObject({
    frequencyHz: 868_300_000n,
    gatewayEui: eui,
    transmitOffsetMs: 12,
  });
});

it('asks for what a modem needs', () => {
  const modem = { ...INITIAL_LINK, kind: 'atModem' as const, frequencyMhz: 'x' };
  expect(Object.keys(linkProblems(modem)).sort()).toEqual([
    'frequencyMhz',
    'frequencyPlanId',
    'path',
  ]);
  expect(linkProblems(INITIAL_LINK)).toEqual({});
});

it('writes what a packet forwarder needs', () => {
  expect(JSON.parse(gatewayConf('192.0.2.7', 1700))).toMatchObject({
    gateway_conf: { server_address: '192.0.2.7', serv_port_up: 1700, serv_port_down: 1700 },
  });
});

it('sees which listener holds the port, by the address in use', () => {
  const status = create(LinkStatusSchema, {
    link: {
      id: 'udp',
      enabled: true,
      config: { case: 'semtechUdp', value: { host: '127.0.0.1', port: 1700 } },
    },
    address: '127.0.0.1:1701',
  });
  const onPort = (port: number, changed = undefined as typeof status.link) =>
    linkOnPort([status], { ...INITIAL_LINK, port }, changed)?.link?.id;
  expect(onPort(1701)).toBe('udp');
  expect(onPort(1700)).toBeUndefined();
  expect(onPort(1701, status.link)).toBeUndefined();
  expect(linkOnPort([status], { ...INITIAL_LINK, kind: 'virtual' }, undefined)).toBeUndefined();
});
