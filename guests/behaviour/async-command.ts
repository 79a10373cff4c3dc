/** What the command of WASI 0.3 does: each interface once, and what both versions do together. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Component } from '@tenon/component';
import { type Invocation, runCommand } from './command.ts';

const LOOPBACK = { connect: ['127.0.0.1', 'localhost'], listen: ['127.0.0.1'], send: ['127.0.0.1'], receive: ['127.0.0.1'] };

export async function checkAsyncCommand(component: Component): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-async-command-'));
  const long = 'stream '.repeat(100_000);
  const cases: readonly [args: string, invocation: Invocation, stdout: string | RegExp, code?: number | 'trap'][] = [
    ['environment', { env: { KEY: 'value' } }, '[("KEY", "value")] None\n'],
    ['terminal', {}, 'false\n'],
    ['echo', { stdin: long }, long],
    ['echo', {}, ''],
    ['first-byte', { stdin: long }, 's'],
    ['clocks', {}, 'the clocks go\n'],
    ['random', {}, 'random enough\n'],
    ['exit 7', {}, '', 7],
    ['exit-ok', {}, '', 0],
    ['exit-error', {}, '', 1],
    ['panic', {}, '', 'trap'],
    ['both file', { folder }, 'by 0.2\nby 0.3\nbegun by 0.2, ended by 0.3\n'],
    ['list', { folder }, 'file long\n'],
    ['copy long copied', { folder }, `${long.length} bytes\n`],
    ['tcp 50', { network: LOOPBACK }, '50 connections\n'],
    ['udp', { network: LOOPBACK }, 'a datagram\n'],
    ['resolve localhost', { network: LOOPBACK }, /^Ok\(\[IpAddress::Ipv[46]/],
    ['resolve localhost', {}, 'Err(ErrorCode::AccessDenied)\n'],
    ['resolve a^b', { network: LOOPBACK }, 'Err(ErrorCode::InvalidArgument)\n'],
  ];
  try {
    writeFileSync(join(folder, 'long'), long);
    for (const [line, invocation, stdout, code = 0] of cases) {
      const outcome = await runCommand(component, { ...invocation, args: line.split(' ') });
      assert.equal(outcome.code, code, `${line}: ${outcome.stderr}`);
      if (typeof stdout === 'string') assert.equal(outcome.stdout, stdout, line);
      else assert.match(outcome.stdout, stdout, line);
    }
    assert.equal(readFileSync(join(folder, 'copied'), 'utf8'), long);
    assert.equal((await runCommand(component, { args: ['complain'] })).stderr, 'a complaint\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
