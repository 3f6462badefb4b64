export type { BusEvent, EntityRef, EventData, EventInput } from './event.ts';
export { covers, deviceEntity, entityKey } from './event.ts';
export type { EventBus, SubscribeOptions, Subscription } from './event-bus.ts';
export { createEventBus } from './event-bus.ts';
export { encodedData } from './packed-data.ts';
