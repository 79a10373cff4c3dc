/** Text to binary, by the wasm-tools port that `@bytecodealliance/jco-transpile` carries. */
import { WastError } from './errors.ts';
import type { Directive, Source } from './script.ts';

/** @throws Error with the reason when the text is refused. */
export type Assemble = (text: string) => Promise<Uint8Array>;

const STRICT = 'WAST_STRICT_COMPONENT_INDICES';

/**
 * Loads the assembler, an optional dependency.
 * @throws WastError TENON_WAST_ASSEMBLER when it is not installed.
 */
export async function loadAssembler(): Promise<Assemble> {
  // It copies the environment while it loads, and only then: nothing else of this process needs to see the setting.
  const before = process.env[STRICT];
  process.env[STRICT] = before ?? '1';
  try {
    const { parse } = await import('@bytecodealliance/jco-transpile/wasm-tools');
    return async (text) => {
      try {
        return await parse(text);
      } catch (error) {
        throw new Error(readable(error), { cause: error });
      }
    };
  } catch (cause) {
    throw new WastError(
      'TENON_WAST_ASSEMBLER',
      'text components need an assembler: run `npm install @bytecodealliance/jco-transpile@0.14.0`',
      cause,
    );
  } finally {
    if (before === undefined) delete process.env[STRICT];
    else process.env[STRICT] = before;
  }
}

/** The assembler's errors are Rust's debug output: the sentence in it and its place are what a reader wants. */
function readable(error: unknown): string {
  const raw = error instanceof Error ? error.message : String(error);
  // The lexer's errors are named in one word: `InvalidStringEscape('z')`.
  const lexical = /kind: Lex\(([A-Za-z]+)(.*?)\) \}/.exec(raw);
  const words = lexical?.[1]?.replace(/(?!^)[A-Z]/g, ' $&').toLowerCase();
  const sentence = words === undefined ? /kind: Custom\("((?:[^"\\]|\\.)*)"\)/.exec(raw)?.[1] : `${words} ${lexical?.[2] ?? ''}`;
  if (sentence === undefined) return raw;
  const place = /line: (\d+), col: (\d+)/.exec(raw);
  const text = sentence.replace(/\\(["'\\])/g, '$1');
  return place === null ? text : `${text} (line ${Number(place[1]) + 1}, column ${Number(place[2]) + 1} of the component)`;
}

/** Gives every source of the script its bytes, or the reason why the assembler refused it. */
export async function assembleScript(directives: readonly Directive[], assembler: () => Promise<Assemble>): Promise<readonly Directive[]> {
  const assembled: Directive[] = [];
  for (const directive of directives) {
    if ('source' in directive && directive.source.bytes === undefined) {
      assembled.push({ ...directive, source: await assembleSource(directive.source, await assembler()) });
    } else {
      assembled.push(directive);
    }
  }
  return assembled;
}

async function assembleSource(source: Source, assemble: Assemble): Promise<Source> {
  const { text = '', ...rest } = source;
  try {
    return { ...rest, bytes: await assemble(text) };
  } catch (error) {
    return { ...rest, refused: error instanceof Error ? error.message : String(error) };
  }
}
