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

/** Plans of the users of this program, by who brought them. */
const ownPlans = new Map<symbol, ReadonlyMap<string, FrequencyPlan>>();

/** Further plans beside the built-in ones, which keep their ids. */
export interface OwnPlans {
  /** Takes the place of the ones brought before. */
  replace(plans: readonly FrequencyPlan[]): void;
  /** Takes them away. */
  release(): void;
}

/**
 * Opens a place for plans of the user. Frequency plans are looked up by id wherever a frame is handled, so all parts of a
 * process know the same ones.
 */
export function openOwnPlans(): OwnPlans {
  const owner = Symbol('plans');
  return {
    replace: (plans) =>
      void ownPlans.set(owner, new Map(plans.map((plan) => [plan.id, plan] as const))),
    release: () => void ownPlans.delete(owner),
  };
}

/** The plans this program brings along. */
export function builtInPlans(): readonly FrequencyPlan[] {
  return PLANS;
}

/** All frequency plans, in the order lists show them: the built-in ones, then those of the user. */
export function frequencyPlans(): readonly FrequencyPlan[] {
  if (ownPlans.size === 0) return PLANS;
  return [...PLANS, ...[...ownPlans.values()].flatMap((plans) => [...plans.values()])];
}

/** The plan of that id, e.g. `EU_863_870`. */
export function frequencyPlan(id: string): FrequencyPlan | undefined {
  const builtIn = PLAN_BY_ID.get(id);
  if (builtIn || ownPlans.size === 0) return builtIn;
  for (const plans of ownPlans.values()) {
    const plan = plans.get(id);
    if (plan) return plan;
  }
  return undefined;
}
