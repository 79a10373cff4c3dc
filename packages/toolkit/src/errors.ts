import { type Message, TenonError } from '@tenon/component/errors';

/** What each toolkit error code means for the person who reads it. Kept in step with `docs/errors.md` by a test. */
export const TOOLKIT_ERRORS = {
  TENON_WAVE: 'The text is not a WAVE value of the expected type: the caret shows where, the message says what is expected.',
  TENON_INVOKE_SYNTAX: "The call is not of the form `name(arguments)`: write for example 'add(1, 2)'.",
  TENON_INVOKE_UNKNOWN: 'The component exports no such function: the message names the nearest one.',
  TENON_INVOKE_ARGUMENTS: 'The number of arguments does not fit the function.',
  TENON_INVOKE_RESOURCE: 'The function takes or returns a resource, which has no text form: call it from JavaScript.',
  TENON_COMPOSE_NOTHING: 'No export of the plug fits an import of another part: check the names with `tenon inspect`.',
  TENON_COMPOSE_TYPE: 'An export has the right name but another type than the import it is plugged into: the path shows where they differ.',
  TENON_COMPOSE_AMBIGUOUS:
    'Two plugs export what one import needs: leave one of them out, or compose the one into the other first where that imports what it exports.',
  TENON_COMPOSE_CYCLE: 'The plugs need each other in a circle: a component can only use what is instantiated before it.',
  TENON_COMPOSE_IMPORT: 'The parts import the same name with types that cannot be merged: rebuild them against the same WIT.',
  TENON_WIT: 'WIT text cannot be read, or has no such world: the message shows where and why.',
  TENON_WIT_READER: 'Types from WIT text need its reader: `npm install @bytecodealliance/jco-transpile`.',
} as const;

export type ToolkitErrorCode = keyof typeof TOOLKIT_ERRORS;

/** A tool was given something that it cannot work with. `code` is stable across releases. */
export class ToolkitError extends TenonError {
  override readonly name: string = 'ToolkitError';
  declare readonly code: ToolkitErrorCode;

  constructor(code: ToolkitErrorCode, message: Message, cause?: unknown) {
    super(code, message, cause);
  }
}
