import pino, { type DestinationStream } from 'pino';

/** Structured values of a log line. Keys named like key material are removed before anything is written. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A logger of one area, e.g. `gateway.udp`. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger of a part of this area. */
  area(name: string): Logger;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

const SECRET_NAME =
  /(^|_)(app_?key|nwk_?key|.*s_?key|.*int_?key|.*enc_?key|secret|token|password|authorization|cookie|kek)$/i;
const KEY_TEXT = /\b[0-9a-f]{32}\b/gi;
const API_KEY_TEXT = /\b(NNSXS\.[A-Z2-7]+)\.[A-Z2-7]+/g;

/** Replaces what looks like key material (32 hex digits, API key secrets) in a text. */
export function withoutSecrets(text: string): string {
  return text.replace(KEY_TEXT, '[removed]').replace(API_KEY_TEXT, '$1.[removed]');
}

function clean(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return withoutSecrets(value);
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (value instanceof Error) return withoutSecrets(value.stack ?? value.message);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth > 4) return '[nested]';
  if (Array.isArray(value)) return value.slice(0, 50).map((item) => clean(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      SECRET_NAME.test(name) ? '[removed]' : clean(item, depth + 1),
    ]),
  );
}

/** Creates the root logger; lines are JSON. Without a destination they go to standard error. */
export function createLogger(level: LogLevel = 'info', destination?: DestinationStream): Logger {
  const sink = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
  const make = (area: string): Logger => {
    const at = (severity: 'debug' | 'info' | 'warn' | 'error') => {
      return (fields: LogFields, message: string): void => {
        if (!sink.isLevelEnabled(severity)) return;
        sink[severity]({ area, ...(clean(fields) as object) }, withoutSecrets(message));
      };
    };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      area: (name) => make(area ? `${area}.${name}` : name),
    };
  };
  return make('');
}

/** A logger that writes nothing. */
export function silentLogger(): Logger {
  const ignore = (): void => undefined;
  const logger: Logger = {
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: ignore,
    area: () => logger,
  };
  return logger;
}
