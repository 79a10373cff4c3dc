import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Trap } from '../index.ts';
import { BACKTRACE_FRAMES, readable } from './backtrace.ts';

const symbols: [symbol: string, name: string][] = [
  // Rust, version 0.
  ['_RNvCs1234_7mycrate3foo', 'mycrate::foo'],
  ['_RNvCsguMhrPEVuWS_8rust_cli4main', 'rust_cli::main'],
  ['_RNvMs3_NtNtCs8ToDHkgE1cl_4core3ffi5c_strNtB5_4CStr19from_bytes_with_nul', '<core::ffi::c_str::CStr>::from_bytes_with_nul'],
  ['_RNvXsd_NtNtNtCspDyCHxMKIP_4core3fmt3num3impyNtB9_7Display3fmt', '<u64 as core::fmt::Display>::fmt'],
  ['_RNCNvNtCs39tTvaYBHog_3std9panicking13panic_handler0B5_', 'std::panicking::panic_handler::{closure#0}'],
  ['_RINvC1a1fRShTxEAcj5_FKCmEbDNtB2_1TEL_E', 'a::f::<&[u8], (i64,), [char; 5], extern "C" fn(u32) -> bool, dyn a::T>'],
  ['_RNvCs1_1au8gdel_5qa', 'a::gödel'],
  ['_RNvC1a1b.llvm.1234', 'a::b'],
  // Its older mangling.
  ['_ZN4core9panicking9panic_fmt17h0123456789abcdefE', 'core::panicking::panic_fmt'],
  [
    '_ZN60_$LT$alloc..string..String$u20$as$u20$core..fmt..Display$GT$3fmt17h0123456789abcdefE',
    '<alloc::string::String as core::fmt::Display>::fmt',
  ],
  ['_ZN3foo28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE', 'foo::{{closure}}'],
  // C++.
  ['_Z3fooi', 'foo(int)'],
  ['_ZN2ns3Foo3barEPKcRSt6vectorIiSaIiEE', 'ns::Foo::bar(char const*, std::vector<int, std::allocator<int>>&)'],
  ['_ZNK3FooIiE3getEv', 'Foo<int>::get() const'],
  ['_ZN3FooC2Ev', 'Foo::Foo()'],
  ['_ZN3FooIdED0Ev', 'Foo<double>::~Foo()'],
  ['_ZplRK3FooS1_', 'operator+(Foo const&, Foo const&)'],
  ['_ZN3FoocvbEv', 'Foo::operator bool()'],
  ['_Z3maxIiET_S0_S0_', 'max<int>(int, int)'],
  ['_Z5applyPFvicE', 'apply(void (*)(int, char))'],
  ['_ZZ4mainENKUlvE_clEv', 'main::{lambda()#1}::operator()() const'],
  ['_ZN12_GLOBAL__N_13runEv', '(anonymous namespace)::run()'],
  ['_ZTV3Foo', 'vtable for Foo'],
  ['_ZThn16_N3Foo3barEv', 'non-virtual thunk to Foo::bar()'],
  // V8 puts the name of the module in front.
  ['module._ZN2ns3barEv', 'ns::bar()'],
  // Neither, or only nearly.
  ['main', 'main'],
  ['wasi:cli/run@0.2.12#run', 'wasi:cli/run@0.2.12#run'],
  ['_RNv', '_RNv'],
  ['_ZN3foo', '_ZN3foo'],
  ['_Z', '_Z'],
  ['a\nb\u001b[1m', 'a\\nb\\u{1b}[1m'],
];

for (const [symbol, name] of symbols) {
  test(`the name of ${JSON.stringify(symbol)}`, () => {
    assert.equal(readable(symbol), name);
  });
}

test('a short symbol that stands for an endless name, or nests without end, is left as it is', () => {
  const doubled = `_Z1f${'1aIS_S_E'.repeat(200)}`;
  const hostile = [
    `_RINvC1a1b${'TB5_B5_B5_E'.repeat(400)}E`,
    `_R${'INv'.repeat(5000)}C1a1b`,
    `_Z1fSt4pairI${'St4pairIS_S_E'.repeat(60)}E`,
    `_Z1f${'P'.repeat(100_000)}i`,
    `_RNvC1a${'9'.repeat(50)}x`,
    '_RNvB_1a',
    '_RB_',
    doubled,
  ];
  for (const symbol of hostile) assert.ok(readable(symbol).length <= 301, symbol.slice(0, 50));
});

const frame = (name: string | undefined, index: number, offset = 0x10): string => {
  const location = `wasm://wasm/0001:wasm-function[${index}]:0x${offset.toString(16)}`;
  return name === undefined ? `    at ${location}` : `    at ${name} (${location})`;
};
const at = (name: string, index: number): string => `at ${name} (wasm://wasm/0001:wasm-function[${index}]:0x10)`;

function trap(message: string, frames: readonly string[]): Trap {
  const cause = new WebAssembly.RuntimeError(message);
  cause.stack = [`RuntimeError: ${message}`, ...frames].join('\n');
  return new Trap(`wasm trap: ${message}`, cause);
}

const repeat = (count: number, ...frames: readonly string[]): string[] => Array.from({ length: count }, () => frames).flat();

const traces: { what: string; message?: string; frames: readonly string[]; lines: readonly string[] }[] = [
  {
    what: "a panic's machinery is folded, also where user code ran before it",
    frames: [
      frame('abort', 1),
      frame('_RNvNtCs39tTvaYBHog_3std7process5abort', 2),
      frame('_RNvCsfgHYwM92fyn_7___rustc17rust_begin_unwind', 3),
      frame('_RNvNtCs8ToDHkgE1cl_4core9panicking9panic_fmt', 4),
      frame('_RNvCsguMhrPEVuWS_8rust_cli4main', 5),
      frame('_start', 6),
    ],
    lines: ["… 4 frames of Rust's panic machinery", at('rust_cli::main', 5), at('_start', 6)],
  },
  { what: "a program's own abort is not folded", frames: [frame('abort', 1), frame('main', 2)], lines: [at('abort', 1), at('main', 2)] },
  {
    what: "C++'s terminate",
    frames: [frame('abort', 1), frame('_ZSt9terminatev', 2), frame('__cxa_throw', 3), frame('_Z3foov', 4)],
    lines: ["… 3 frames of C++'s way of ending", at('foo()', 4)],
  },
  {
    what: 'repetitions',
    frames: [...repeat(5, frame('a', 1)), ...repeat(3, frame('b', 2), frame('c', 3)), ...repeat(2, frame('d', 4))],
    lines: [at('a', 1), '… the same 4 times more', at('b', 2), at('c', 3), '… the 2 frames above 2 times more', at('d', 4), at('d', 4)],
  },
  {
    what: 'a stack overflow',
    message: 'out of bounds memory access',
    frames: repeat(100, frame('even', 1), frame('odd', 2)),
    lines: [
      "It is likely a stack overflow: `even` calls itself again and again, and the guest's stack in its memory is exhausted.",
      at('even', 1),
      at('odd', 2),
      '… the 2 frames above 31 times more',
      '… and further ones',
    ],
  },
  {
    what: 'no names',
    frames: [frame(undefined, 1), frame(undefined, 2)],
    lines: [
      'at wasm://wasm/0001:wasm-function[1]:0x10',
      'at wasm://wasm/0001:wasm-function[2]:0x10',
      'The guest was built without names: keep its `name` section (do not strip it) to see functions here.',
    ],
  },
  {
    what: 'frames of JavaScript are left out',
    frames: ['    at f (file:///x.js:1:2)', frame('g', 1), '    at file:///x.js:3:4'],
    lines: [at('g', 1)],
  },
  { what: 'nothing of wasm', frames: ['    at f (file:///x.js:1:2)'], lines: [] },
  { what: 'a name with lines of its own', frames: [frame('x\ny', 1), frame('z\n    at w', 2)], lines: [at('x\\ny', 1), at('w', 2)] },
];

for (const { what, message = 'unreachable', frames, lines } of traces) {
  test(`backtrace: ${what}`, () => {
    assert.deepEqual(trap(message, frames).backtrace, lines);
    assert.ok(BACKTRACE_FRAMES === 64);
  });
}
