import { create } from '@bufbuild/protobuf';
import { ValueSchema } from '@bufbuild/protobuf/wkt';
import { Class } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { EventData } from '../../events/index.ts';
import type { MacCommandNamed } from '../../lorawan/index.ts';
import type { UplinkMacContext } from './context.ts';

/** Version this server speaks: LoRaWAN 1.1 (§5.1, §5.10). */
const MINOR_VERSION = 1;

/** Data of an event about a new class: its name. */
function classData(deviceClass: Class): EventData {
  const value = `CLASS_${Class[deviceClass]}`;
  return {
    schema: ValueSchema,
    message: create(ValueSchema, { kind: { case: 'stringValue', value } }),
  };
}

/** ResetInd of a personalized device: it forgot what was negotiated, and so does the network (LoRaWAN 1.1 §5.1). */
export function handleResetInd(
  context: UplinkMacContext,
  command: MacCommandNamed<'ResetInd'>,
): void {
  context.report('reset.indication', command);
  if (context.supportsJoin) return;
  context.restart();
  const answer = { name: 'ResetConf', fields: { minorVersion: MINOR_VERSION } } as const;
  context.answer(answer);
  context.report('reset.confirmation', answer);
}

/** RekeyInd after a join: the device uses its new keys (LoRaWAN 1.1 §5.10). It repeats it until it is confirmed. */
export function handleRekeyInd(
  context: UplinkMacContext,
  command: MacCommandNamed<'RekeyInd'>,
): void {
  context.report('rekey.indication', command);
  const answer = { name: 'RekeyConf', fields: { minorVersion: MINOR_VERSION } } as const;
  context.answer(answer);
  context.report('rekey.confirmation', answer);
}

/**
 * DeviceModeInd: a device tells the class it is in (LoRaWAN 1.1 §18.1). The answer names the class the network will treat
 * it as: class C only if the device is registered to support it.
 */
export function handleDeviceModeInd(
  context: UplinkMacContext,
  command: MacCommandNamed<'DeviceModeInd'>,
): void {
  context.report('device_mode.indication', command);
  const isClassC = command.fields.deviceClass === Class.C && context.supportsClassC;
  const deviceClass = isClassC ? Class.C : Class.A;
  if (deviceClass !== context.mac.deviceClass)
    context.report(isClassC ? 'class.switch.c' : 'class.switch.a', classData(deviceClass));
  context.mac.deviceClass = deviceClass;
  const answer = { name: 'DeviceModeConf', fields: { deviceClass } } as const;
  context.answer(answer);
  context.report('device_mode.confirmation', answer);
}
