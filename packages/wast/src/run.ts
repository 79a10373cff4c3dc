/** Runs the directives of one script, one after the other, on an engine. */
import { type FuncType, trapMessage, type ValType } from '@tenon/component';
import { CoreInstance, coreValues, isCoreTrap } from './core.ts';
import { type Failure, messages, type WastComponent, type WastEngine, type WastInstance } from './engine.ts';
import { hostDefinitions } from './host.ts';
import { fromJavaScript, toJavaScript } from './javascript.ts';
import type { Action, Directive, Invoke, Source } from './script.ts';
import type { Texts } from './texts.ts';
import { difference, show, type Value } from './values.ts';

/**
 * - `pass`: it did what the script says
 * - `fail`: it did not
 * - `blocked`: the assembler refused the text, so that the engine never saw it
 * - `not-run`: what it builds on is missing, because of an earlier failure
 */
export type Status = 'pass' | 'fail' | 'blocked' | 'not-run';

export interface Outcome {
  readonly status: Status;
  /** Why, for all but `pass`. */
  readonly message: string;
  /** The text that the script expects in the error, and what the error said, where it came to an error of the right kind. */
  readonly text?: Texts;
}

class Unmet extends Error {
  readonly status: Exclude<Status, 'pass'>;

  constructor(status: Exclude<Status, 'pass'>, message: string) {
    super(message);
    this.status = status;
  }
}

const PASS: Outcome = { status: 'pass', message: '' };

/** What an invocation came to: results or a trap. */
type Came = { readonly results: readonly Value[] } | { readonly trap: string };

type AnyInstance = WastInstance | CoreInstance;

export class Runner {
  private readonly engine: WastEngine;
  private readonly definitions = new Map<string | undefined, WastComponent | WebAssembly.Module>();
  private readonly instances = new Map<string, AnyInstance>();
  private readonly registered = new Map<string, AnyInstance>();
  private current: AnyInstance | undefined;

  constructor(engine: WastEngine) {
    this.engine = engine;
  }

  /** Never rejects: whatever happens is the outcome. */
  async run(directive: Directive): Promise<Outcome> {
    try {
      return await this.execute(directive);
    } catch (error) {
      if (error instanceof Unmet) return { status: error.status, message: error.message };
      return { status: 'fail', message: messages(error) };
    }
  }

  private async execute(directive: Directive): Promise<Outcome> {
    switch (directive.type) {
      case 'component':
      case 'module': {
        this.current = undefined;
        if (directive.source.id !== undefined) this.forget(directive.source.id);
        const definition = await this.compile(directive.source);
        this.definitions.set(directive.source.id, definition);
        this.add(directive.source.id, await this.instantiate(definition));
        return PASS;
      }
      case 'component definition':
      case 'module definition':
        this.definitions.delete(directive.source.id);
        this.definitions.set(directive.source.id, await this.compile(directive.source));
        return PASS;
      case 'component instance':
      case 'module instance': {
        this.current = undefined;
        if (directive.instance !== undefined) this.forget(directive.instance);
        const definition = this.definitions.get(directive.definition);
        if (definition === undefined) throw new Unmet('not-run', `there is no definition $${directive.definition ?? ''}`);
        this.add(directive.instance, await this.instantiate(definition));
        return PASS;
      }
      case 'register':
        this.registered.set(directive.name, this.instance(directive.instance));
        return PASS;
      case 'invoke':
      case 'get': {
        const came = await this.act(directive.action, []);
        if ('trap' in came) throw new Unmet('fail', `trapped: ${came.trap}`);
        return PASS;
      }
      case 'assert_return': {
        const came = await this.act(directive.action, directive.results);
        if ('trap' in came)
          throw new Unmet('fail', `expected ${directive.results.map(show).join(' ') || 'no result'}, but it trapped: ${came.trap}`);
        const { results } = came;
        if (results.length !== directive.results.length) {
          throw new Unmet('fail', `expected ${directive.results.length} results, got ${results.map(show).join(' ') || 'none'}`);
        }
        for (const [index, expected] of directive.results.entries()) {
          const actual = results[index];
          const found = actual && difference(expected, actual);
          if (found !== undefined) throw new Unmet('fail', found);
        }
        return PASS;
      }
      case 'assert_trap':
      case 'assert_exhaustion': {
        const came = 'action' in directive ? await this.act(directive.action, []) : await this.instantiation(directive.source);
        if (!('trap' in came)) throw new Unmet('fail', `expected a trap, got ${came.results.map(show).join(' ') || 'no trap'}`);
        return { ...PASS, text: { expected: directive.text, found: came.trap } };
      }
      case 'assert_invalid':
      case 'assert_malformed': {
        const { source, text } = directive;
        if (source.form === 'quote' && source.refused !== undefined) return { ...PASS, text: { expected: text, found: source.refused } };
        const found = await this.failure(source, async () => void (await this.compile(source)), 'invalid');
        return { ...PASS, text: { expected: text, found } };
      }
      case 'assert_unlinkable': {
        const { source, text } = directive;
        const definition = await this.compile(source);
        const found = await this.failure(source, async () => void (await this.instantiate(definition)), 'link');
        return { ...PASS, text: { expected: text, found } };
      }
      case 'unreadable':
        throw new Unmet('fail', directive.message);
    }
  }

  /** Runs what must fail in the given way. Returns the error's message. */
  private async failure(source: Source, attempt: () => Promise<void>, wanted: 'invalid' | 'link'): Promise<string> {
    const whats = wanted === 'invalid' ? 'be refused as invalid' : 'fail to link';
    try {
      await attempt();
    } catch (error) {
      if (error instanceof Unmet) throw error;
      const { kind, message } = this.classify(source, error);
      if (kind === wanted) return message;
      throw new Unmet('fail', `expected it to ${whats}, got (${kind}) ${message}`);
    }
    throw new Unmet('fail', `expected it to ${whats}, but it was accepted`);
  }

  private async instantiation(source: Source): Promise<Came> {
    const definition = await this.compile(source);
    try {
      await this.instantiate(definition);
      return { results: [] };
    } catch (error) {
      const { kind, message } = this.classify(source, error);
      if (kind === 'trap') return { trap: message };
      throw new Unmet('fail', `expected a trap, got (${kind}) ${message}`);
    }
  }

  private async compile(source: Source): Promise<WastComponent | WebAssembly.Module> {
    if (source.refused !== undefined) throw new Unmet('blocked', `the assembler refused it: ${source.refused}`);
    const bytes = source.bytes ?? new Uint8Array();
    return source.sort === 'component' ? this.engine.compile(bytes) : WebAssembly.compile(Uint8Array.from(bytes));
  }

  private async instantiate(definition: WastComponent | WebAssembly.Module): Promise<AnyInstance> {
    if (definition instanceof WebAssembly.Module) {
      const core = [...this.registered].filter((entry): entry is [string, CoreInstance] => entry[1] instanceof CoreInstance);
      return new CoreInstance(definition, new Map(core));
    }
    const named = new Map<string, unknown>(hostDefinitions());
    for (const [name, instance] of [...this.instances, ...this.registered]) {
      if (!(instance instanceof CoreInstance)) named.set(name, instance.value);
    }
    return definition.instantiate(named);
  }

  private add(name: string | undefined, instance: AnyInstance): void {
    this.current = instance;
    if (name !== undefined) this.instances.set(name, instance);
  }

  /** A name that is about to be given anew must not mean its former instance when that fails. */
  private forget(name: string): void {
    this.instances.delete(name);
  }

  private instance(name: string | undefined): AnyInstance {
    const instance = name === undefined ? this.current : this.instances.get(name);
    if (instance === undefined) throw new Unmet('not-run', name === undefined ? 'there is no instance' : `there is no instance $${name}`);
    return instance;
  }

  private async act(action: Action, expected: readonly Value[]): Promise<Came> {
    const instance = this.instance(action.instance);
    if (!(instance instanceof CoreInstance)) {
      if (action.kind === 'get') throw new Unmet('fail', 'a component exports no globals');
      return this.invoke(instance, action);
    }
    try {
      const results = action.kind === 'get' ? [instance.get(action.name)] : instance.invoke(action.name, action.args);
      return { results: coreValues(results, expected) };
    } catch (error) {
      if (isCoreTrap(error)) return { trap: trapMessage(error) };
      throw error;
    }
  }

  private async invoke(instance: WastInstance, { name, args }: Invoke): Promise<Came> {
    const type = instance.exports.find((exported) => exported.name === name)?.type;
    if (type?.kind !== 'func') throw new Unmet('fail', `the component exports no function \`${name}\``);
    const { params, result } = type.type as FuncType;
    if (params.length !== args.length)
      throw new Unmet('fail', `\`${name}\` takes ${params.length} arguments, the script gives ${args.length}`);
    const given = params.map((param, index) => toJavaScript(args[index] as Value, param.type, `argument ${index} (${param.name})`));
    const lifted = (js: unknown, of: ValType): Came => ({ results: [fromJavaScript(js, of)] });
    let js: unknown;
    try {
      js = await instance.call(name, given);
    } catch (error) {
      const failure = this.engine.classify(error);
      // A function's `result` is thrown or returned; elsewhere it is tagged. Here both become the tagged form.
      if (failure.kind === 'result' && result?.kind === 'result') return lifted({ tag: 'err', val: failure.payload }, result);
      if (failure.kind === 'trap') return { trap: failure.message };
      throw new Unmet('fail', `expected results or a trap, got (${failure.kind}) ${failure.message}`);
    }
    if (result === undefined) return { results: [] };
    return lifted(result.kind === 'result' ? { tag: 'ok', val: js } : js, result);
  }

  private classify(source: Source, error: unknown): Failure {
    if (source.sort === 'component') return this.engine.classify(error);
    const message = messages(error);
    if (error instanceof WebAssembly.CompileError) return { kind: 'invalid', message };
    // A missing namespace is a TypeError in JavaScript's embedding.
    if (error instanceof WebAssembly.LinkError || error instanceof TypeError) return { kind: 'link', message };
    return isCoreTrap(error) ? { kind: 'trap', message: trapMessage(error) } : { kind: 'crash', message };
  }
}
