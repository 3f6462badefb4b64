/** What the published list of frequency plans says of a plan besides its channels. */

/** Plans for devices of a network whose gateways use the plan named here. */
const BASE_PLANS: Readonly<Record<string, string>> = {
  EU_863_870_TTN: 'EU_863_870',
  EU_863_870_ROAMING_DRAFT: 'EU_863_870',
  EU_868_1: 'EU_863_870',
  US_903_0: 'US_902_928_FSB_1',
  US_904_6: 'US_902_928_FSB_2',
  US_906_2: 'US_902_928_FSB_3',
  US_907_8: 'US_902_928_FSB_4',
  US_909_4: 'US_902_928_FSB_5',
  US_911_0: 'US_902_928_FSB_6',
  US_912_6: 'US_902_928_FSB_7',
  US_914_2: 'US_902_928_FSB_8',
  AS_920_923_LBT: 'AS_920_923',
  AS_920_923_TTN_JP_1_LAND_MOBILE: 'AS_920_923_TTN_JP_1',
  AS_920_923_TTN_JP_3_LAND_MOBILE: 'AS_920_923_TTN_JP_3',
  AS_923_NDT: 'AS_923',
  AS_923_DT: 'AS_923',
  AS_923_2_NDT: 'AS_923_2',
  AS_923_2_DT: 'AS_923_2',
  AS_923_3_NDT: 'AS_923_3',
  AS_923_3_DT: 'AS_923_3',
  AS_923_4_NDT: 'AS_923_4',
  AS_923_4_DT: 'AS_923_4',
  AS_923_925_LBT: 'AS_923_925',
  AS_920_923_TTN_AU: 'AS_920_923',
  AS_923_925_TTN_AU: 'AS_923_925',
  SG_920_923_TTN: 'AS_920_923',
};

/** Plans that no gateway is set up with; the single-channel plans of the US are for devices too. */
const DEVICES_ONLY: ReadonlySet<string> = new Set([
  'EU_863_870_TTN',
  'EU_863_870_ROAMING_DRAFT',
  'AS_923_925_TTN_AU',
  ...Object.keys(BASE_PLANS).filter((id) => /^US_\d+_\d$/.test(id)),
]);

/** The plan another one varies; undefined for plans of their own. */
export function basePlanId(planId: string): string | undefined {
  return BASE_PLANS[planId];
}

/** Whether gateways may be set up with a plan. */
export function isGatewayPlan(planId: string): boolean {
  return !DEVICES_ONLY.has(planId);
}
