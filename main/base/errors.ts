/** Status codes of gRPC, by name. Their numbers are what The Things Stack's error bodies carry. */
export const STATUS = {
  CANCELED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type StatusName = keyof typeof STATUS;

/** Values an error text may name. Never key material. */
export type ErrorAttributes = Readonly<
  Record<string, string | number | boolean | readonly string[]>
>;

export interface GatehouseErrorOptions {
  readonly cause?: unknown;
  /** Further typed messages for API clients (protobuf messages, packed by the API layer). */
  readonly details?: readonly unknown[];
}

/**
 * Every failure that a caller or a user may see. `namespace` and `reason` together are its stable identity (for
 * failures The Things Stack knows, exactly its own: `pkg/networkserver` + `field_value`); ours use `gatehouse/<area>`.
 */
export class GatehouseError extends Error {
  override readonly name = 'GatehouseError';
  readonly namespace: string;
  /** Snake-case name inside the namespace. */
  readonly reason: string;
  readonly status: StatusName;
  /** The text before its `{placeholders}` were filled in. */
  readonly messageFormat: string;
  readonly attributes: ErrorAttributes;
  readonly details: readonly unknown[];

  constructor(
    definition: ErrorDefinition,
    attributes: ErrorAttributes,
    options: GatehouseErrorOptions = {},
  ) {
    super(formatMessage(definition.messageFormat, attributes), { cause: options.cause });
    this.namespace = definition.namespace;
    this.reason = definition.reason;
    this.status = definition.status;
    this.messageFormat = definition.messageFormat;
    this.attributes = attributes;
    this.details = options.details ?? [];
  }

  /** Identity in one string: `namespace:reason`. */
  get code(): string {
    return `${this.namespace}:${this.reason}`;
  }
}

export interface ErrorDefinition {
  readonly namespace: string;
  readonly reason: string;
  readonly status: StatusName;
  readonly messageFormat: string;
}

/** Makes errors of one kind, and recognises them. */
export interface ErrorFactory extends ErrorDefinition {
  (attributes?: ErrorAttributes, options?: GatehouseErrorOptions): GatehouseError;
  is(error: unknown): error is GatehouseError;
}

function formatMessage(format: string, attributes: ErrorAttributes): string {
  return format.replace(/\{(\w+)\}/g, (placeholder, name: string) => {
    const value = attributes[name];
    if (value === undefined) return placeholder;
    return Array.isArray(value) ? value.join(', ') : String(value);
  });
}

/**
 * Declares a kind of error.
 *
 * @param code `namespace:reason`, e.g. `gatehouse/link:busy` or `pkg/networkserver:field_value`
 * @param status what kind of failure it is for API clients
 * @param messageFormat what happened and what to do, with `{attribute}` placeholders
 */
export function defineError(code: string, status: StatusName, messageFormat: string): ErrorFactory {
  const split = code.lastIndexOf(':');
  const definition = {
    namespace: code.slice(0, split),
    reason: code.slice(split + 1),
    status,
    messageFormat,
  };
  const factory = (attributes: ErrorAttributes = {}, options: GatehouseErrorOptions = {}) =>
    new GatehouseError(definition, attributes, options);
  return Object.assign(factory, definition, {
    is: (error: unknown): error is GatehouseError =>
      error instanceof GatehouseError &&
      error.namespace === definition.namespace &&
      error.reason === definition.reason,
  });
}

/** The text of anything that was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
