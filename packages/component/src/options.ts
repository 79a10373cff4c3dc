/** Options that are not known are refused: one that is misspelt would be ignored in silence. */
import { ComponentError } from './errors.ts';
import { nearest } from './near.ts';
import { visibleData } from './visible.ts';

/**
 * @param given what was passed for options
 * @param known the names that there are
 * @param what takes them, for the message: `wasi`
 * @throws ComponentError `TENON_OPTION`
 */
export function checkOptions(given: object, known: Readonly<Record<string, unknown>>, what: string): void {
  if (typeof given !== 'object' || given === null) {
    throw new ComponentError('TENON_OPTION', `${what} takes an object of options, and was given ${visibleData(String(given))}`);
  }
  for (const name in given) {
    if (Object.hasOwn(known, name)) continue;
    const names = Object.keys(known);
    const near = nearest(name, names);
    throw new ComponentError(
      'TENON_OPTION',
      `${what} has no option \`${name}\`${near === undefined ? `; its options are ${names.join(', ')}` : `: is \`${near}\` meant?`}`,
    );
  }
}
