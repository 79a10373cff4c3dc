/** Writes the types of `tenon.yaml` from its schema: `npm run schema`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import { ROOT } from './workspace.ts';

const FOLDER = `${ROOT}/packages/runtime/src/spec`;
export const TYPES: string = `${FOLDER}/types.ts`;

/** The types as they should be. */
export async function renderTypes(): Promise<string> {
  const { $defs, ...schema } = JSON.parse(readFileSync(`${FOLDER}/tenon.schema.json`, 'utf8')) as JSONSchema & {
    $defs: Record<string, JSONSchema>;
  };
  // What excludes each other is for the checker; in types it would only get in the way.
  const definitions = Object.fromEntries(
    Object.entries($defs).map(([name, { oneOf, ...rest }]) => [
      name,
      name === 'Workload' || oneOf === undefined ? rest : { oneOf, ...rest },
    ]),
  );
  const text = await compile({ ...schema, $defs: definitions, title: 'Manifest' } as JSONSchema, 'Manifest', {
    bannerComment: '/** The types of `tenon.yaml`, and of workloads in TypeScript. Made from `tenon.schema.json` by `npm run schema`. */',
    additionalProperties: false,
    unreachableDefinitions: true,
    style: { singleQuote: true, printWidth: 140, trailingComma: 'all' },
  });
  return text
    .replaceAll(/\n \*\n \* This interface was referenced by[^*]*\n \* via the `definition` "\w+"\./g, '')
    .replaceAll(/^\/\*\*\n \* This interface was referenced by[^*]*\n \* via the `definition` "\w+"\.\n \*\/\n/gm, '')
    .replaceAll(/^( +)(?=['"\w$[].*\??: )/gm, '$1readonly ')
    .replaceAll(/\{\}(?=[;[])/g, '{ readonly [key: string]: unknown }')
    .replaceAll(/: (?:string|\{ readonly \[key: string\]: unknown \}|\w+)\[\]/g, (list) => list.replace(': ', ': readonly '));
}

if (import.meta.main) writeFileSync(TYPES, await renderTypes());
