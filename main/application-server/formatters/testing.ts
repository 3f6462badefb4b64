import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import {
  createFormatterService,
  type FormatterService,
  type FormatterServiceOptions,
} from './formatter-service.ts';

/** A service with a real worker for tests; a stuck worker can only be timed with the real clock. */
export function realFormatterService(
  options: Partial<FormatterServiceOptions> = {},
): FormatterService {
  return createFormatterService({ clock: systemClock(), logger: silentLogger(), ...options });
}
