/** @tenon/toolkit: tools around components, for programs; the `tenon` command line is a thin layer over it. */

export { type Composition, compose, type Part } from './compose/compose.ts';
export { TOOLKIT_ERRORS, ToolkitError, type ToolkitErrorCode } from './errors.ts';
export { type Capability, capabilities } from './inspect/capabilities.ts';
export { graphSvg } from './inspect/graph.ts';
export { type ExternInfo, type Inspection, inspect } from './inspect/inspect.ts';
export { type PartInfo, partTree } from './inspect/parts.ts';
export { sizeText } from './inspect/size.ts';
export { nearest } from './names.ts';
export { generateTypes, mayWait, type TypesOptions } from './types/generate.ts';
export { readWorld, type WitWorld } from './types/read-world.ts';
export {
  type ExportedFunction,
  exportedFunctions,
  findFunction,
  functionPath,
  type Invocation,
  type InvokeOutcome,
  invoke,
  parseArguments,
  parseInvoke,
  signature,
} from './wave/invoke.ts';
export { parseValue } from './wave/parse.ts';
export { printValue } from './wave/print.ts';
export { printWit } from './wit/print.ts';
