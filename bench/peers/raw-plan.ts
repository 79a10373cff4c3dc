/** Bare V8 beside an instance of a component: the same core modules, linked to each other in the same way, and nothing else. */
import type { Component } from '@tenon/component';

/** Stands for every function that the engine would make. */
const nothing = (): number => 0;

/** @returns what makes the next set of core instances of a component without component imports and without seams */
export function coreInstances(component: Component): () => unknown {
  const plan = component.ownPlan();
  const modules = plan.modules.map((module) => {
    if (module.kind === 'host') throw new Error('the component imports a core module');
    return component.coreModule(module.start);
  });
  return () => {
    const slots: unknown[] = new Array(plan.slots);
    for (const step of plan.steps) {
      switch (step.op) {
        case 'instantiate': {
          const imports: Record<string, WebAssembly.ModuleImports> = {};
          for (const [name, items] of step.imports) {
            imports[name] =
              typeof items === 'number'
                ? (slots[items] as WebAssembly.ModuleImports)
                : Object.fromEntries(items.map(([item, slot]) => [item, slots[slot] as WebAssembly.ImportValue]));
          }
          slots[step.to] = new WebAssembly.Instance(modules[step.module] as WebAssembly.Module, imports).exports;
          break;
        }
        case 'read export':
          slots[step.to] = (slots[step.from] as WebAssembly.Exports)[step.name];
          break;
        case 'lower host':
        case 'make builtin':
          slots[step.to] = nothing;
          break;
        case 'define resource':
          break;
        case 'adapt':
          throw new Error('the component has seams');
      }
    }
    return slots;
  };
}
