/** `@tenon/wast`: runs component `.wast` scripts as a test suite of an engine. */
export { type Assemble, assembleScript, loadAssembler } from './assemble.ts';
export { type Failure, type FailureKind, messages, type WastComponent, type WastEngine, type WastInstance } from './engine.ts';
export { WAST_ERRORS, WastError } from './errors.ts';
export { type Expected, judge, place, readExpected, type Verdict } from './expected.ts';
export { type Group, jsonLine, summarise, table } from './report.ts';
export type { Status } from './run.ts';
export { type Directive, readScript, type Source } from './script.ts';
export { type DirectiveReport, runSuite, type SuiteOptions } from './suite.ts';
export { type AcceptedTexts, readAcceptedTexts } from './texts.ts';
