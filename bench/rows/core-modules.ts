import { type ComponentDefinition, decode } from '@tenon/component';

/** Byte ranges of all core modules of a component. */
export function coreModuleRanges(bytes: Uint8Array): { readonly start: number; readonly end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  const visit = (component: ComponentDefinition): void => {
    for (const item of component.definitions) {
      if (item.kind === 'core module') ranges.push({ start: item.start, end: item.end });
      else if (item.kind === 'component') visit(item.component);
    }
  };
  visit(decode(bytes));
  return ranges;
}
