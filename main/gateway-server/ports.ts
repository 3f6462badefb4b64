import type { GatewayEui } from '../lorawan/index.ts';
import type { GatewayPlace, GatewaySettings } from '../registry/index.ts';

/** What the gateway server needs of the registry. */
export interface GatewayRegistry {
  /** Id of the gateway with that EUI; a gateway heard for the first time gets one. */
  ensureHeard(eui: GatewayEui): string;
  /** Whether the user has not looked at the gateway yet. */
  isNew?(gatewayId: string): boolean;
  /** Whether the gateway is registered, by whomever. */
  isKnown?(eui: GatewayEui): boolean;
  /** Whether one more gateway may be registered by being heard. */
  mayRegisterHeard?(): boolean;
  /** How a gateway is to transmit; undefined if it is not registered. */
  settings?(gatewayId: string): GatewaySettings | undefined;
  /** Keeps where a gateway says it is. */
  recordLocation?(gatewayId: string, place: GatewayPlace): Promise<void>;
}
