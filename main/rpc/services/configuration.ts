import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import {
  type BandDescription_ChannelSchema,
  type BandDescriptionSchema,
  Configuration,
  GetPhyVersionsResponseSchema,
  ListBandsResponseSchema,
  ListFrequencyPlansResponseSchema,
} from '../../api/gen/ttn/lorawan/v3/configuration_services_pb.js';
import {
  GetIsConfigurationResponseSchema,
  Is,
} from '../../api/gen/ttn/lorawan/v3/identityserver_pb.js';
import { CFListType, PHYVersion } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { defineError } from '../../base/errors.ts';
import {
  type Band,
  type BandChannel,
  band,
  bandIds,
  basePlanId,
  frequencyPlans,
  isGatewayPlan,
  isPhyAtLeast,
  PHY_VERSIONS,
  type PhyVersion,
} from '../../lorawan/index.ts';
import { dataRateMessage } from '../../store/index.ts';
import { type Served, serve } from '../router.ts';

const bandNotFound = defineError(
  'pkg/band:band_not_found',
  'NOT_FOUND',
  'There is no band {id}. Choose one of the list.',
);

const MIN_RETRANSMIT_MS = 1_000;
const MAX_RETRANSMIT_MS = 3_000;
/** TS011-1.0.1: what a relay adds, from the regional parameters on that have its channels. */
const RELAY_FORWARD_MS = 50;
const RELAY_RECEIVE_MS = 18_000;

const versionsOf = (bandId: string): PhyVersion[] =>
  PHY_VERSIONS.filter((version) => band(bandId, version));

const numberOf = (version: PhyVersion): PHYVersion => PHYVersion[version];

function channel(one: BandChannel): MessageInitShape<typeof BandDescription_ChannelSchema> {
  return {
    frequency: BigInt(one.frequencyHz),
    minDataRate: one.minDataRateIndex,
    maxDataRate: one.maxDataRateIndex,
  };
}

const relayDelays = {
  relayForwardDelay: durationFromMs(RELAY_FORWARD_MS),
  relayReceiveDelay: durationFromMs(RELAY_RECEIVE_MS),
};

function timing(rules: Band) {
  return {
    receiveDelay1: durationFromMs(rules.receiveDelay1Ms),
    receiveDelay2: durationFromMs(rules.receiveDelay2Ms),
    joinAcceptDelay1: durationFromMs(rules.joinAcceptDelay1Ms),
    joinAcceptDelay2: durationFromMs(rules.joinAcceptDelay2Ms),
    minRetransmitTimeout: durationFromMs(MIN_RETRANSMIT_MS),
    maxRetransmitTimeout: durationFromMs(MAX_RETRANSMIT_MS),
    ...(isPhyAtLeast(rules.phyVersion, 'RP002_V1_0_4') && relayDelays),
  };
}

/** Regional parameters as the API describes them. */
function describe(rules: Band): MessageInitShape<typeof BandDescriptionSchema> {
  const { beacon, bootDwellTime, rx2 } = rules;
  return {
    id: rules.id,
    beacon: {
      dataRateIndex: beacon.dataRateIndex,
      codingRate: beacon.codingRate,
      frequencies: beacon.frequenciesHz.map(BigInt),
    },
    pingSlotFrequencies: rules.pingSlotFrequenciesHz.map(BigInt),
    maxUplinkChannels: rules.maxUplinkChannels,
    uplinkChannels: rules.uplinkChannels.map(channel),
    maxDownlinkChannels: rules.maxDownlinkChannels,
    downlinkChannels: rules.downlinkChannels.map(channel),
    subBands: rules.subBands.map((one) => ({
      minFrequency: BigInt(one.minFrequencyHz),
      maxFrequency: BigInt(one.maxFrequencyHz),
      dutyCycle: one.dutyCycle,
      maxEirp: one.maxEirpDbm,
    })),
    dataRates: Object.fromEntries(
      [...rules.dataRates].map(([index, row]) => [index, { rate: dataRateMessage(row.dataRate) }]),
    ),
    freqMultiplier: BigInt(rules.frequencyMultiplierHz),
    implementsCfList: rules.cfListType !== undefined,
    cfListType: rules.dynamicChannels ? CFListType.FREQUENCIES : CFListType.CHANNEL_MASKS,
    ...timing(rules),
    maxFcntGap: BigInt(rules.maxFCntGap),
    supportsDynamicAdr: rules.dynamicAdr,
    adrAckLimit: Math.log2(rules.adrAckLimit),
    txOffset: [...rules.txOffsetsDb],
    maxAdrDataRateIndex: rules.maxAdrDataRateIndex,
    txParamSetupReqSupport: rules.txParamSetup,
    defaultMaxEirp: rules.defaultMaxEirpDbm,
    defaultRx2Parameters: { dataRateIndex: rx2.dataRateIndex, frequency: BigInt(rx2.frequencyHz) },
    bootDwellTime: {
      ...(bootDwellTime.uplink !== undefined && { uplinks: bootDwellTime.uplink }),
      ...(bootDwellTime.downlink !== undefined && { downlinks: bootDwellTime.downlink }),
    },
    relay: {
      worChannels: rules.relayWorChannels.map((one) => ({
        frequency: BigInt(one.frequencyHz),
        ackFrequency: BigInt(one.ackFrequencyHz),
        dataRateIndex: one.dataRateIndex,
      })),
    },
  };
}

function bandsAsked(bandId: string): readonly string[] {
  if (bandId === '') return bandIds();
  if (!bandIds().includes(bandId)) throw bandNotFound({ id: bandId });
  return [bandId];
}

function listBands(bandId: string, phyVersion: PHYVersion) {
  const isAsked = (version: PhyVersion): boolean =>
    phyVersion === PHYVersion.PHY_UNKNOWN || numberOf(version) === phyVersion;
  const descriptions = bandsAsked(bandId).flatMap((id) => {
    const versions = versionsOf(id).filter(isAsked);
    if (versions.length === 0) return [];
    const described = versions.flatMap((version) => {
      const rules = band(id, version);
      return rules ? [[version, describe(rules)] as const] : [];
    });
    return [[id, { band: Object.fromEntries(described) }] as const];
  });
  return create(ListBandsResponseSchema, { descriptions: Object.fromEntries(descriptions) });
}

/** Frequency plans, bands and versions; and what the identity server lets its users do. */
export function configurationServices(): Served[] {
  return [
    serve(Configuration, {
      listFrequencyPlans({ baseFrequency, bandId, gatewaysOnly }) {
        const plans = frequencyPlans().filter(
          (plan) =>
            (baseFrequency === 0 || plan.baseFrequencyMhz === baseFrequency) &&
            (bandId === '' || plan.bandId === bandId) &&
            (!gatewaysOnly || isGatewayPlan(plan.id)),
        );
        return create(ListFrequencyPlansResponseSchema, {
          frequencyPlans: plans.map((plan) => ({
            id: plan.id,
            baseId: basePlanId(plan.id) ?? '',
            name: plan.name,
            baseFrequency: plan.baseFrequencyMhz,
            bandId: plan.bandId,
          })),
        });
      },
      getPhyVersions: ({ bandId }) =>
        create(GetPhyVersionsResponseSchema, {
          versionInfo: bandsAsked(bandId).map((id) => ({
            bandId: id,
            phyVersions: versionsOf(id).map(numberOf),
          })),
        }),
      listBands: ({ bandId, phyVersion }) => listBands(bandId, phyVersion),
    }),
    serve(Is, {
      getConfiguration: () =>
        create(GetIsConfigurationResponseSchema, {
          configuration: {
            userRegistration: { enabled: false },
            profilePicture: { disableUpload: true, useGravatar: false },
            endDevicePicture: { disableUpload: false },
            userRights: {
              createApplications: true,
              createGateways: true,
              createClients: false,
              createOrganizations: false,
            },
            userLogin: { disableCredentialsLogin: true },
            adminRights: { all: true },
            collaboratorRights: { setOthersAsContacts: false },
          },
        }),
    }),
  ];
}
