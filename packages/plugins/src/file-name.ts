/** Any name as a file name, that is the same on every system. */
import { createHash } from 'node:crypto';

const LONGEST = 200;

/**
 * A name without separators, a leading dot, or capitals, which some systems do not tell from small letters.
 * @returns undefined when it gets too long for a file name
 */
export function escapedName(name: string): string | undefined {
  const escaped = (character: string): string =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('');
  const file = name
    .replace(/[^a-z0-9._-]/gsu, escaped)
    .replace(/^\./, '%2E')
    .replace(/\.(name|db)$/, '%2E$1');
  return file.length <= LONGEST ? file : undefined;
}

/** As {@link escapedName}; a name that is too long has a digest in its place, with a leading dot, and cannot be read back. */
export function fileName(name: string): string {
  return escapedName(name) ?? `.${createHash('sha256').update(name).digest('hex')}`;
}
