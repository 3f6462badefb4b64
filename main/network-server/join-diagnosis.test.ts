import { afterEach, beforeEach, expect, test } from 'vitest';
import { Outcome } from '../api/gen/gatehouse/v1/frames_pb.js';
import { APP_KEY, DEV_EUI, hex, JOIN_EUI, joinRequest } from './testing/frames.ts';
import { createLab, type HandGateway, handGateway, type Lab, otaaDevice } from './testing/lab.ts';

const OTHER_EUI = '70B3D57ED0001234';
const reversed = (eui: string): string => Buffer.from(eui, 'hex').reverse().toString('hex');

let lab: Lab;
let near: HandGateway;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  lab = await createLab({ gateways: [near] });
  await lab.registry.registerEverywhere(otaaDevice());
});
afterEach(() => lab.close());

/** Cause and evidence of a join-request with these EUIs. */
async function judge(euis: { readonly joinEui?: string; readonly devEui?: string }) {
  near.hear(joinRequest(7, APP_KEY, euis));
  await lab.clock.advance(7_000);
  const verdict = lab.uplinkFrames().at(-1)?.verdict;
  const evidence = verdict?.stages.flatMap((stage) => stage.evidence) ?? [];
  return {
    outcome: verdict?.outcome,
    cause: verdict?.cause,
    suggestion: verdict?.suggestion ?? '',
    ...Object.fromEntries(evidence.map(({ name, value }) => [name, value.value])),
  };
}

test('a known DevEUI with a foreign JoinEUI is told which JoinEUI is registered', async () => {
  expect(await judge({ joinEui: OTHER_EUI })).toMatchObject({
    outcome: Outcome.DROPPED,
    cause: 'unknown_join_eui',
    suggestion: expect.stringContaining('JoinEUI'),
    join_eui: OTHER_EUI,
    dev_eui: DEV_EUI,
    registered_join_eui: JOIN_EUI,
    registered_device_id: 'door-7',
    registered_application_id: 'shop',
  });
  expect(near.sent).toEqual([]);
});

test('EUIs sent least significant byte first are recognised, one of them or both', async () => {
  expect(await judge({ joinEui: reversed(JOIN_EUI) })).toMatchObject({
    cause: 'join_eui_byte_order',
    registered_join_eui: JOIN_EUI,
  });
  const expected = { cause: 'dev_eui_byte_order', registered_dev_eui: DEV_EUI };
  expect(await judge({ devEui: reversed(DEV_EUI) })).toMatchObject(expected);
  expect(await judge({ joinEui: reversed(JOIN_EUI), devEui: reversed(DEV_EUI) })).toMatchObject({
    ...expected,
    registered_join_eui: JOIN_EUI,
  });
  expect(await judge({ joinEui: OTHER_EUI, devEui: reversed(DEV_EUI) })).toMatchObject(expected);
});

test('of several registrations of one DevEUI the one with the reversed JoinEUI is meant', async () => {
  const ids = {
    deviceId: 'door-8',
    applicationIds: { applicationId: 'shop' },
    devEui: hex(DEV_EUI),
    joinEui: hex(OTHER_EUI),
  };
  await lab.registry.registerEverywhere(otaaDevice({ ids }));
  expect(await judge({ joinEui: reversed(OTHER_EUI) })).toMatchObject({
    cause: 'join_eui_byte_order',
    registered_device_id: 'door-8',
  });
});

test('a device nobody knows stays unknown, and nobody is told', async () => {
  expect(await judge({ joinEui: OTHER_EUI, devEui: OTHER_EUI })).toMatchObject({
    cause: 'device_not_found',
  });
  expect(lab.published.filter((name) => name.startsWith('js.join'))).toEqual([]);
});

test('whoever watches the device meant hears of the refusal', async () => {
  await judge({ joinEui: OTHER_EUI });
  expect(lab.published.filter((name) => name.startsWith('js.join'))).toEqual(['js.join.reject']);
  expect(lab.dataOf('js.join.reject')).toMatchObject([
    { namespace: 'pkg/joinserver', name: 'unknown_join_eui', code: 3 },
  ]);
});

test('a device that only the join server knows is missing in the network server', async () => {
  const device = otaaDevice();
  if (!device.ids) throw new Error('no ids');
  await lab.registry.network.delete(device.ids);
  expect(await judge({})).toMatchObject({
    cause: 'device_not_found',
    registered_device_id: 'door-7',
    not_registered_with: 'network server',
  });
});
