import { AS923_PLANS } from './as923-plans.ts';
import { ASIA_PLANS } from './asia-plans.ts';
import { AU915_PLANS } from './au915-plans.ts';
import { CN470_PLANS } from './cn470-plans.ts';
import { EU868_PLANS } from './eu868-plans.ts';
import { EUROPE_PLANS } from './europe-plans.ts';
import type { FrequencyPlan } from './frequency-plan.ts';
import { ISM2400_PLANS } from './ism2400-plans.ts';
import { JAPAN_PLANS } from './japan-plans.ts';
import { KOREA_INDIA_PLANS } from './korea-india-plans.ts';
import { US915_PLANS } from './us915-plans.ts';

const PLANS: readonly FrequencyPlan[] = [
  ...EU868_PLANS,
  ...US915_PLANS,
  ...AU915_PLANS,
  ...AS923_PLANS,
  ...ASIA_PLANS,
  ...JAPAN_PLANS,
  ...CN470_PLANS,
  ...EUROPE_PLANS,
  ...KOREA_INDIA_PLANS,
  ...ISM2400_PLANS,
];
const PLAN_BY_ID = new Map(PLANS.map((plan) => [plan.id, plan]));

/** All frequency plans, in the order lists show them. */
export function frequencyPlans(): readonly FrequencyPlan[] {
  return PLANS;
}

/** The plan of that id, e.g. `EU_863_870`. */
export function frequencyPlan(id: string): FrequencyPlan | undefined {
  return PLAN_BY_ID.get(id);
}
