/** @tenon/component: runs WebAssembly components in any JavaScript host. */

export { inPlace, lending } from './abi/in-place.ts';
export type { KeptList } from './abi/kept-borrows.ts';
export { camelCase, interfaceName, parseFunctionName, pascalCase, placeFunction } from './abi/names.ts';
export { maybeUndefined } from './abi/shapes.ts';
export { trapMessage } from './abi/traps.ts';
export { decode } from './binary/decode.ts';
export type * from './binary/definitions.ts';
export { limitModule, type ModuleLimits } from './binary/module-limits.ts';
export { type CompileOptions, Component, type ExternDescription, type SharedComponent } from './component.ts';
export { Budget, type BudgetLimits, type Usage } from './epoch/budget.ts';
export type { CallLimits } from './epoch/call-limits.ts';
export { EpochClock } from './epoch/clock.ts';
export { BACKTRACE_FRAMES, ComponentError, ENGINE_ERRORS, type ErrorCode, resultError, TenonError, Trap, withoutStacks } from './errors.ts';
export { type Account, callerAccount } from './instance/account.ts';
export { blocking } from './link/blocking.ts';
export { type MissingImport, MissingImportsError } from './link/definitions.ts';
export { shortNames } from './link/export-names.ts';
export { provider, versionTrack } from './link/semver.ts';
export { Instance, type InstanceOptions, Linker, type LinkerOptions, Prepared } from './linker.ts';
export type { CodeCache } from './rewrite/compile.ts';
export { labelOf, makeHandle, type NamedType, originOf, type ResourceName, resourceLabel, resourceNameOf } from './types/identity.ts';
export type * from './types/types.ts';
export { Effort } from './validate/effort.ts';
export { Substitution } from './validate/substitute.ts';
export { children } from './validate/type-info.ts';
export { type ValidatedComponent, validate } from './validate/validate.ts';
export { type Message, shortened, visible, visibleData, visibleJson } from './visible.ts';
