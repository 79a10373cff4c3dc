/** What the tools around components take: composing a large guest, printing the WIT of the largest. */

import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools';
import { Component, decode, type ExternDescription, type ExternType, validate } from '@tenon/component';
import { compose, type Part, printWit } from '@tenon/toolkit';
import { readCalculator } from '../../guests/calculators/calculators.ts';
import { readGuest } from '../../guests/guests.ts';
import type { Row } from '../harness.ts';

async function part(name: string, bytes: Uint8Array): Promise<Part> {
  return { name, bytes, component: await Component.compile(bytes) };
}

/** What there is to print: core modules are not compiled for it. */
function externsOf(bytes: Uint8Array): Externs {
  const definition = decode(bytes);
  const { imports, exports } = validate(definition, bytes).type;
  const list = (externs: ReadonlyMap<string, ExternType>): ExternDescription[] => [...externs].map(([name, type]) => ({ name, type }));
  return { imports: list(imports), exports: list(exports) };
}

interface Externs {
  readonly imports: readonly ExternDescription[];
  readonly exports: readonly ExternDescription[];
}

function timed(run: () => unknown): number {
  const since = performance.now();
  run();
  return performance.now() - since;
}

export function toolRows(): Row[] {
  return [
    {
      group: 'tools',
      name: 'compose, consumer in JavaScript (12 MB) with the calculator',
      unit: 'ms',
      better: 'less',
      targets: [{ peer: 'validation of the result', ratio: 3 }],
      contenders: [
        {
          name: 'tenon',
          async open() {
            const socket = await part('consumer', await readCalculator('js', 'consumer'));
            const plug = await part('calculator', await readGuest('rust-calculator'));
            return { sample: () => timed(() => compose(socket, [plug])) };
          },
        },
        {
          name: 'validation of the result',
          async open() {
            const socket = await part('consumer', await readCalculator('js', 'consumer'));
            const { bytes } = compose(socket, [await part('calculator', await readGuest('rust-calculator'))]);
            return { sample: () => timed(() => Component.validate(bytes)) };
          },
        },
      ],
    },
    {
      group: 'tools',
      name: 'bytes → WIT, guest in Python (18 MB)',
      unit: 'ms',
      better: 'less',
      targets: [{ peer: 'wasm-tools', ratio: 1 }],
      contenders: [
        {
          name: 'tenon',
          async open() {
            const bytes = await readGuest('python-http');
            return { sample: () => timed(() => printWit(externsOf(bytes), bytes)) };
          },
        },
        {
          name: 'wasm-tools',
          async open() {
            const bytes = await readGuest('python-http');
            return {
              async sample() {
                const since = performance.now();
                await componentWit(bytes);
                return performance.now() - since;
              },
            };
          },
        },
      ],
    },
  ];
}
