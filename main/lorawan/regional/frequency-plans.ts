import { EU868_PLANS } from './eu868-plans.ts';
import type { FrequencyPlan } from './frequency-plan.ts';
import { US915_PLANS } from './us915-plans.ts';

const PLANS: readonly FrequencyPlan[] = [...EU868_PLANS, ...US915_PLANS];

/** All frequency plans, in the order lists show them. */
export function frequencyPlans(): readonly FrequencyPlan[] {
  return PLANS;
}

/** The plan of that id, e.g. `EU_863_870`. */
export function frequencyPlan(id: string): FrequencyPlan | undefined {
  return PLANS.find((plan) => plan.id === id);
}
