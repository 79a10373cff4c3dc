/** @tenon/component: runs WebAssembly components in any JavaScript host. */

export { inPlace } from './abi/in-place.ts';
export type { KeptList } from './abi/kept-borrows.ts';
export { camelCase, interfaceName, parseFunctionName, pascalCase } from './abi/names.ts';
export { maybeUndefined } from './abi/shapes.ts';
export { trapMessage } from './abi/traps.ts';
export { decode } from './binary/decode.ts';
export type * from './binary/definitions.ts';
export { limitMemories } from './binary/memory-limit.ts';
export { type CompileOptions, Component, type ExternDescription, type SharedComponent } from './component.ts';
export { ErrorContext } from './concurrency/error-context.ts';
export type { CallOptions } from './concurrency/host/call.ts';
export { cancellable } from './concurrency/host/cancellable.ts';
export type { StreamReader } from './concurrency/host/reader.ts';
export { type GivenStream, type StreamSource, streamOf } from './concurrency/host/source.ts';
export { readerOf } from './concurrency/host/stream.ts';
export { ComponentError, ENGINE_ERRORS, type ErrorCode, resultError, TenonError, Trap } from './errors.ts';
export { blocking, type MissingImport, MissingImportsError } from './link/definitions.ts';
export { provider, versionTrack } from './link/semver.ts';
export { Instance, Linker, type LinkerOptions, Prepared } from './linker.ts';
export type * from './types/types.ts';
export { type ValidatedComponent, validate } from './validate/validate.ts';
