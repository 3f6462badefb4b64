/** How much a test does, where more of it finds more: a number in the environment, or what suits `npm test`. */
export function amount(variable: `GATEHOUSE_${string}`, usual: number): number {
  const text = process.env[variable];
  if (text === undefined || text === '') return usual;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`${variable} has to be a whole number from 1 on, not ${text}.`);
  return value;
}
