import { randomInt } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import type { MACSettings } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { PHYVersion } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  GenerateDevAddrResponseSchema,
  GetDeviceAdressPrefixesResponseSchema,
  GetNetIDResponseSchema,
  Ns,
} from '../../api/gen/ttn/lorawan/v3/networkserver_pb.js';
import {
  type DevAddr,
  type DevAddrPrefix,
  devAddrInPrefix,
  devAddrToBytes,
  frequencyPlan,
  type NetId,
  netIdToBytes,
} from '../../lorawan/index.ts';
import { frequencyPlanNotFound, noBandVersion } from '../../registry/index.ts';
import { type Served, serve } from '../router.ts';

/** What the service has to know of the network. */
export interface NetworkFacts {
  readonly netId: NetId;
  readonly devAddrBlock: DevAddrPrefix;
  /** Whether some device has this address. */
  isUsed(devAddr: DevAddr): boolean;
  /** Undefined if the version has no such band. */
  defaultMacSettings(frequencyPlanId: string, phyVersion: PHYVersion): MACSettings | undefined;
}

/** In a block that is nearly full a used address is better than none: devices may share one. */
const ATTEMPTS = 32;

function newAddress({ devAddrBlock, isUsed }: NetworkFacts): DevAddr {
  let devAddr = devAddrInPrefix(devAddrBlock, randomInt(2 ** 32));
  for (let attempt = 1; attempt < ATTEMPTS && isUsed(devAddr); attempt += 1) {
    devAddr = devAddrInPrefix(devAddrBlock, randomInt(2 ** 32));
  }
  return devAddr;
}

/** Addresses and defaults of the network. */
export function networkFactsService(facts: NetworkFacts): Served {
  return serve(Ns, {
    generateDevAddr: () =>
      create(GenerateDevAddrResponseSchema, { devAddr: devAddrToBytes(newAddress(facts)) }),
    getDefaultMACSettings({ frequencyPlanId, lorawanPhyVersion }) {
      const plan = frequencyPlan(frequencyPlanId);
      if (!plan) throw frequencyPlanNotFound({ id: frequencyPlanId });
      const settings = facts.defaultMacSettings(frequencyPlanId, lorawanPhyVersion);
      if (!settings)
        throw noBandVersion({ id: plan.bandId, ver: PHYVersion[lorawanPhyVersion] ?? '' });
      return settings;
    },
    getNetID: () => create(GetNetIDResponseSchema, { netId: netIdToBytes(facts.netId) }),
    getDeviceAddressPrefixes() {
      const { devAddr, length } = facts.devAddrBlock;
      const prefix = Uint8Array.of(...devAddrToBytes(devAddr), length);
      return create(GetDeviceAdressPrefixesResponseSchema, { devAddrPrefixes: [prefix] });
    },
  });
}
