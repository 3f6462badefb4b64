import { type DescMethod, getOption, hasOption } from '@bufbuild/protobuf';
import { type HttpRule, http } from '../api/gen/google/api/annotations_pb.js';
import type { GuardedMethod } from './router.ts';

type Segment = { readonly literal: string } | { readonly variable: string };

/** One HTTP binding of a method. */
export interface RestRoute {
  readonly verb: string;
  readonly segments: readonly Segment[];
  /** "*", the name of the field that is the body, or "" for none. */
  readonly body: string;
  readonly method: GuardedMethod;
}

/** A route with the values its path carries. */
export interface RestMatch {
  readonly route: RestRoute;
  readonly variables: readonly (readonly [path: string, text: string])[];
}

export type RestLookup = RestMatch | 'no_route' | 'other_verb';

/** Everything of REST lies below this path. */
export const REST_PREFIX = '/api/v3';

function bindings(desc: DescMethod): HttpRule[] {
  if (!hasOption(desc, http)) return [];
  const rule = getOption(desc, http);
  return [rule, ...rule.additionalBindings];
}

function routeOf(rule: HttpRule, method: GuardedMethod): RestRoute | undefined {
  const { case: verb, value: path } = rule.pattern;
  if (!verb || !path) return undefined;
  const segments = path
    .split('/')
    .slice(1)
    .map((text) => {
      const variable = /^\{([^}=]+)\}$/.exec(text)?.[1];
      return variable === undefined ? { literal: text } : { variable };
    });
  return { verb: verb.toUpperCase(), segments, body: rule.body, method };
}

/** Routes with a literal earlier than others come first, so that a literal always beats a variable. */
function literalFirst(a: RestRoute, b: RestRoute): number {
  const length = Math.min(a.segments.length, b.segments.length);
  for (let at = 0; at < length; at += 1) {
    const left = 'literal' in (a.segments[at] as Segment);
    const right = 'literal' in (b.segments[at] as Segment);
    if (left !== right) return left ? -1 : 1;
  }
  return 0;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function matchPath(route: RestRoute, parts: readonly string[]): RestMatch | undefined {
  const variables: [string, string][] = [];
  for (const [at, segment] of route.segments.entries()) {
    const text = decode(parts[at] ?? '');
    if (text === undefined) return undefined;
    if ('literal' in segment) {
      if (segment.literal !== text) return undefined;
    } else {
      if (text === '') return undefined;
      variables.push([segment.variable, text]);
    }
  }
  return { route, variables };
}

/** Finds the method for a verb and a path below {@link REST_PREFIX}. */
export function createRestRoutes(
  methods: readonly GuardedMethod[],
): (verb: string, path: string) => RestLookup {
  const byLength = new Map<number, RestRoute[]>();
  for (const method of methods) {
    for (const rule of bindings(method.desc)) {
      const route = routeOf(rule, method);
      if (!route) continue;
      const list = byLength.get(route.segments.length) ?? [];
      list.push(route);
      byLength.set(route.segments.length, list);
    }
  }
  for (const list of byLength.values()) list.sort(literalFirst);
  return (verb, path) => {
    const parts = path.split('/').slice(1);
    let otherVerb = false;
    for (const route of byLength.get(parts.length) ?? []) {
      const match = matchPath(route, parts);
      if (!match) continue;
      if (route.verb === verb) return match;
      otherVerb = true;
    }
    return otherVerb ? 'other_verb' : 'no_route';
  };
}
