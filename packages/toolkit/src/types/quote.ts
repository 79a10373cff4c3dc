/** Names that came from a component, where TypeScript stands around them. */
import { visible } from '@tenon/component';

/** A string literal. */
export function quoted(name: string): string {
  return `'${visible(name.replaceAll('\\', '\\\\').replaceAll("'", "\\'"))}'`;
}

/** Text inside of a comment, which it does not end. */
export function commented(text: string): string {
  return visible(text).replaceAll('*/', '*\\/');
}
