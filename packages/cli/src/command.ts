/** What a command is: its options as data, from which the command line is parsed and its help is printed. */
import { parseArgs } from 'node:util';
import { CliError, usage } from './errors.ts';

export interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** May be given more than once. */
  readonly multiple?: boolean;
  /** What stands for the value in the help: `HOST::GUEST`. */
  readonly value?: string;
  readonly description: string;
}

/** A parsed command line. */
export class Arguments {
  private readonly values: Readonly<Record<string, unknown>>;
  /** Operands, without options. */
  readonly operands: readonly string[];

  constructor(values: Readonly<Record<string, unknown>>, operands: readonly string[]) {
    this.values = values;
    this.operands = operands;
  }

  flag(name: string): boolean {
    return this.values[name] === true;
  }

  string(name: string): string | undefined {
    const value = this.values[name];
    return typeof value === 'string' ? value : undefined;
  }

  strings(name: string): readonly string[] {
    const value = this.values[name];
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
  }

  /** A whole number. @throws CliError TENON_USAGE when it is none, or not within its range. */
  integer(name: string, [min, max]: readonly [min: number, max: number]): number | undefined {
    const text = this.string(name);
    if (text === undefined) return undefined;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw usage(`--${name} takes a whole number from ${min} to ${max}, not \`${text}\``);
    return value;
  }

  /** @throws CliError TENON_USAGE unless exactly one operand is given. */
  only(what: string): string {
    const [first, second] = this.operands;
    if (first === undefined) throw usage(`${what} is missing`);
    if (second !== undefined) throw usage(`one ${what} is expected; \`${second}\` is one too many`);
    return first;
  }
}

export interface Command {
  /** After the command's name: `[OPTIONS] FILE [ARGS…]`. */
  readonly usage: string;
  readonly description: string;
  readonly options: Readonly<Record<string, Option>>;
  readonly examples: readonly string[];
  /** Everything after the first operand belongs to the guest, options too. */
  readonly passesArguments?: boolean;
  /** @returns the exit code. */
  run(args: Arguments): Promise<number>;
}

const HELP: Option = { type: 'boolean', short: 'h', description: 'print this help' };

/** @returns the arguments, or undefined when help is asked for. */
export function parse(command: Command, args: readonly string[]): Arguments | undefined {
  const options = Object.fromEntries(
    Object.entries({ ...command.options, help: HELP }).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short === undefined ? {} : { short }), multiple: multiple ?? false },
    ]),
  );
  let own = [...args];
  let rest: string[] = [];
  if (command.passesArguments === true) {
    const { tokens } = parseArgs({ args: own, options, strict: false, allowPositionals: true, tokens: true });
    const first = tokens.find((token) => token.kind === 'positional');
    if (first !== undefined) {
      rest = own.slice(first.index + 1);
      own = own.slice(0, first.index + 1);
    }
  }
  try {
    const { values, positionals } = parseArgs({ args: own, options, strict: true, allowPositionals: true });
    return values.help === true ? undefined : new Arguments(values, [...positionals, ...rest]);
  } catch (error) {
    throw new CliError('TENON_USAGE', error instanceof Error ? firstSentence(error.message) : String(error), error);
  }
}

/** Node explains at length how to pass operands that begin with a dash. */
function firstSentence(message: string): string {
  return message.split(/\. /)[0] ?? message;
}

export function helpText(name: string, command: Command): string {
  const rows = Object.entries({ ...command.options, help: HELP }).map(([option, { short, type, value, description }]) => {
    const long = `--${option}${type === 'string' ? ` ${value ?? 'VALUE'}` : ''}`;
    return [`${short === undefined ? '    ' : `-${short}, `}${long}`, description] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    command.description,
    '',
    `Usage: tenon ${name} ${command.usage}`,
    '',
    'Options:',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    '',
    command.examples.length === 1 ? 'Example:' : 'Examples:',
    ...command.examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}
