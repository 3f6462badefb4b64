export type {
  Band,
  BandChannel,
  ChannelMaskRules,
  DataRateRow,
  Rx1DataRates,
  SubBand,
} from './band.ts';
export {
  band,
  bandIds,
  channelGroup,
  dataRate,
  dataRateIndex,
  latestBand,
  maxMacPayload,
  rx1ChannelIndex,
  rx1DataRateIndex,
  rx1FrequencyHz,
  subBandOf,
  subBandOfPlan,
} from './bands.ts';
export { buildCfList, type CfList, type DesiredChannel, parseCfList } from './cf-list.ts';
export { applyChannelMask, type ChannelMask, generateChannelMasks } from './channel-mask.ts';
export { type DataRate, dataRateName, demodulationFloorDb } from './data-rate.ts';
export type {
  FrequencyPlan,
  PlanChannel,
  PlanRadio,
  PlanSingleRateChannel,
  PlanSubBand,
} from './frequency-plan.ts';
export {
  builtInPlans,
  frequencyPlan,
  frequencyPlans,
  type OwnPlans,
  openOwnPlans,
} from './frequency-plans.ts';
export { PLAN_ID, type PlanReading, readPlanDocument } from './plan-document.ts';
export type { PlanProblem, PlanProblemCode } from './plan-fields.ts';
export { basePlanId, isGatewayPlan } from './plan-relations.ts';
