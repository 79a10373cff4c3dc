/** jsco as a contender, where a build of it is given: `--jsco PATH` names the module that exports `createComponent`. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Contender } from '../harness.ts';

interface Api {
  createComponent(bytes: Uint8Array): Promise<{
    instantiate(imports?: Readonly<Record<string, unknown>>): Promise<{ readonly exports: Readonly<Record<string, unknown>> }>;
  }>;
}

type Fn = (...args: unknown[]) => unknown;

export class Jsco {
  private readonly api: Api;

  private constructor(api: Api) {
    this.api = api;
  }

  static async load(path: string): Promise<Jsco> {
    return new Jsco((await import(pathToFileURL(resolve(path)).href)) as Api);
  }

  /**
   * @param start measures the export; it is left out when the export is not a plain function
   * @param name the export in camel case
   */
  contender(
    bytes: () => Promise<Uint8Array>,
    imports: Readonly<Record<string, unknown>>,
    name: string,
    probe: readonly unknown[],
    start: (fn: Fn) => ReturnType<Contender['open']>,
  ): Contender {
    return {
      name: 'jsco',
      open: async (skip) => {
        try {
          const component = await this.api.createComponent(await bytes());
          const { exports } = await component.instantiate(imports);
          const kebab = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
          const fn = (exports[name] ?? exports[kebab]) as Fn;
          if (fn(...probe) instanceof Promise) {
            skip('its export returns a Promise');
            return undefined;
          }
          return await start(fn);
        } catch (error) {
          skip(String(error));
          return undefined;
        }
      },
    };
  }
}
