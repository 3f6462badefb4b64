import { create } from '@bufbuild/protobuf';
import { StructSchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { virtualClock } from '../base/virtual-clock.ts';
import type { EntityRef } from './event.ts';
import { createEventBus } from './event-bus.ts';
import { createEventRing } from './event-ring.ts';

const door: EntityRef = { kind: 'device', applicationId: 'shop', deviceId: 'door-7' };
const shop: EntityRef = { kind: 'application', applicationId: 'shop' };
const roof: EntityRef = { kind: 'gateway', gatewayId: 'roof' };

test('an application subscription hears its devices, not gateways', async () => {
  const bus = createEventBus({ clock: virtualClock() });
  const subscription = bus.subscribe({ entities: [shop] });
  bus.publish({ name: 'gs.up.receive', identifiers: [roof] });
  bus.publish({ name: 'as.up.data.forward', identifiers: [door] });
  const batch = await subscription.next();
  expect(batch?.events.map((event) => event.name)).toEqual(['as.up.data.forward']);
});

test('a slow reader loses the oldest and is told how many', async () => {
  const bus = createEventBus({ clock: virtualClock() });
  const subscription = bus.subscribe({ entities: [door], capacity: 3 });
  for (let n = 0; n < 5; n += 1) bus.publish({ name: `e.${n}`, identifiers: [door] });
  const batch = await subscription.next();
  expect(batch?.skipped).toBe(2);
  expect(batch?.events.map((event) => event.name)).toEqual(['e.2', 'e.3', 'e.4']);
});

test('tail and after give kept events first', async () => {
  const clock = virtualClock(1_000);
  const bus = createEventBus({ clock });
  for (let n = 0; n < 4; n += 1) {
    bus.publish({ name: `e.${n}`, identifiers: [door] });
    await clock.advance(10);
  }
  const tail = await bus.subscribe({ entities: [door], tail: 2 }).next();
  expect(tail?.events.map((event) => event.name)).toEqual(['e.2', 'e.3']);
  const after = await bus.subscribe({ entities: [door], afterMs: 1_000 }).next();
  expect(after?.events.map((event) => event.name)).toEqual(['e.1', 'e.2', 'e.3']);
});

test('an event that only has a cause carries it as error details', async () => {
  const bus = createEventBus({ clock: virtualClock() });
  const subscription = bus.subscribe({ entities: [door] });
  bus.publish({ name: 'ns.up.data.drop', identifiers: [door], causeCode: 'mic_mismatch' });
  bus.publish({ name: 'ns.up.data.drop', identifiers: [door], causeCode: 'never_heard_of' });
  bus.publish({ name: 'ns.up.data.forward', identifiers: [door] });
  const batch = await subscription.next();
  const messages = batch?.events.map((event) => event.data()?.message);
  expect(messages).toMatchObject([
    {
      $typeName: 'ttn.lorawan.v3.ErrorDetails',
      namespace: 'gatehouse',
      name: 'mic_mismatch',
      messageFormat: expect.stringContaining('integrity code'),
    },
    { name: 'never_heard_of', messageFormat: '' },
    undefined,
  ]);
});

test('a reader goes on after its last event although the wall clock was set back or forth', async () => {
  for (const jumpMs of [-3_600_000, 3_600_000]) {
    const clock = virtualClock();
    const bus = createEventBus({ clock });
    const times: number[] = [];
    for (let n = 0; n < 4; n += 1) {
      times.push(clock.now());
      bus.publish({ name: `e.${n}`, identifiers: [door] });
      await clock.advance(10);
      if (n === 1) clock.jumpWallClock(jumpMs);
    }
    const namesAfter = async (afterMs: number | undefined) => {
      const batch = await bus.subscribe({ entities: [door], afterMs: afterMs ?? 0 }).next();
      return batch?.events.map((event) => event.name);
    };
    expect(await namesAfter(times[0])).toEqual(['e.1', 'e.2', 'e.3']);
    expect(await namesAfter(times[1])).toEqual(['e.2', 'e.3']);
    expect(await namesAfter(times[2])).toEqual(['e.3']);
  }
});

test('closing ends a waiting read', async () => {
  const bus = createEventBus({ clock: virtualClock() });
  const subscription = bus.subscribe({ entities: [door] });
  const reading = subscription.next();
  subscription.close();
  expect(await reading).toBeUndefined();
  expect(bus.subscriberCount).toBe(0);
});

test('the ring keeps its limits per entity and overall', () => {
  const ring = createEventRing({ idPrefix: 'test', perEntity: 2, overall: 3 });
  const add = (sequence: number, entity: EntityRef): void =>
    ring.add({ sequence, timeMs: sequence }, { name: 'e', identifiers: [entity] }, undefined);
  add(1, door);
  add(2, door);
  add(3, door);
  add(4, roof);
  add(5, shop);
  expect(ring.select(() => true).map((event) => event.sequence)).toEqual([3, 4, 5]);
});

test('late data is built for those who listen, for those who look back, or by and by; once each', async () => {
  const clock = virtualClock();
  const bus = createEventBus({ clock });
  let built = 0;
  const lateData = () => {
    built += 1;
    const message = create(StructSchema, { fields: {} });
    return { schema: StructSchema, message };
  };
  bus.publish({ name: 'e.1', identifiers: [door], lateData });
  expect(built).toBe(0);
  const tail = await bus.subscribe({ entities: [door], tail: 1 }).next();
  expect(tail?.events[0]?.data()?.schema).toBe(StructSchema);
  const listening = bus.subscribe({ entities: [roof] });
  built = 0;
  bus.publish({ name: 'e.2', identifiers: [roof], lateData });
  expect(built).toBe(1);
  expect((await listening.next())?.events[0]?.data()?.schema).toBe(StructSchema);
  listening.close();
  built = 0;
  bus.publish({ name: 'e.3', identifiers: [roof], lateData });
  await clock.advance(1_000);
  expect(built).toBe(2);
  const kept = await bus.subscribe({ entities: [roof], tail: 2 }).next();
  expect(kept?.events.map((event) => event.data()?.schema)).toEqual([StructSchema, StructSchema]);
  expect(built).toBe(2);
  expect(clock.pending).toBe(0);
});

test('late data of events that are forgotten before their turn is never built', async () => {
  const clock = virtualClock();
  const bus = createEventBus({ clock });
  let built = 0;
  const lateData = () => {
    built += 1;
    return { schema: StructSchema, message: create(StructSchema) };
  };
  for (let n = 0; n < 3_000; n += 1) bus.publish({ name: 'e', identifiers: [door], lateData });
  await clock.advance(10_000);
  expect(built).toBe(1_000);
});
