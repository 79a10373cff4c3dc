import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RuntimeError } from '../errors.ts';
import { DesiredState, type RevisionSpec } from './desired.ts';

const root = mkdtempSync(join(tmpdir(), 'tenon-state-'));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const folder = (): string => join(root, `s${++folders}`);

const revision = (component: string, digest = 'sha256:0'): RevisionSpec => ({
  spec: { component },
  components: { main: digest },
  shared: {},
});
const apply = (state: DesiredState, application: string, workloads: Record<string, RevisionSpec>) =>
  state.apply('default', application, new Map(Object.entries(workloads)));
const refused = (code: string) => (error: unknown) => error instanceof RuntimeError && error.code === code;
const id = (name: string) => ({ namespace: 'default', name });

test('what is applied is there after a restart; what is the same makes no revision', () => {
  const where = folder();
  const state = new DesiredState(where);
  assert.deepEqual(apply(state, 'shop', { a: revision('1'), b: revision('1') }), { changed: ['a', 'b'], removed: [] });
  assert.deepEqual(apply(state, 'shop', { a: revision('2'), b: revision('1') }), { changed: ['a'], removed: [] });
  state.close();
  const again = new DesiredState(where);
  assert.deepEqual(
    again.all().map((each) => [each.name, each.application, each.state, each.revision.number, each.revision.spec.component]),
    [
      ['a', 'shop', 'running', 2, '2'],
      ['b', 'shop', 'running', 1, '1'],
    ],
  );
  assert.deepEqual(apply(again, 'shop', { b: revision('1') }), { changed: [], removed: ['a'] });
  assert.equal(again.get(id('a')), undefined);
  again.close();
});

test('a name belongs to one application, and a conflict changes nothing', () => {
  const state = new DesiredState(folder());
  apply(state, 'shop', { a: revision('1') });
  assert.throws(() => apply(state, 'other', { b: revision('1'), a: revision('1') }), refused('TENON_HOST_CONFLICT'));
  assert.equal(state.get(id('b')), undefined);
  state.apply('elsewhere', 'other', new Map([['a', revision('1')]]));
  assert.equal(state.all().length, 2);
  state.close();
});

test('the last ten revisions are kept, and any of them can be wanted again', () => {
  const state = new DesiredState(folder());
  for (let n = 1; n <= 12; n++) apply(state, 'shop', { a: revision(`${n}`) });
  assert.deepEqual(
    state.revisions(id('a')).map((each) => each.number),
    [12, 11, 10, 9, 8, 7, 6, 5, 4, 3],
  );
  assert.equal(state.rollBack(id('a')).spec.component, '11');
  assert.equal(state.rollBack(id('a')).spec.component, '10');
  assert.equal(state.rollBack(id('a'), 3).number, 3);
  assert.throws(() => state.rollBack(id('a'), 2), refused('TENON_HOST_REVISION'));
  assert.throws(() => state.rollBack(id('a')), refused('TENON_HOST_REVISION'));
  assert.throws(() => state.rollBack(id('none')), refused('TENON_HOST_REVISION'));
  apply(state, 'shop', { a: revision('13') });
  assert.equal(state.get(id('a'))?.revision.number, 13);
  state.close();
});

test('components are kept by digest, found whole or not at all, and collected', async () => {
  const where = folder();
  const state = new DesiredState(where);
  const [first, second] = [await state.putComponent(Buffer.from('one')), await state.putComponent(Buffer.from('two'))];
  assert.equal(await state.putComponent(Buffer.from('one')), first);
  assert.equal(state.hasComponent(first), true);
  assert.equal(state.hasComponent('sha256:../../x'), false);
  apply(state, 'shop', { a: revision('x', first) });
  state.collect();
  assert.equal(String(state.component(first)), 'one');
  assert.throws(() => state.component(second), refused('TENON_HOST_STATE'));
  const [file = ''] = readdirSync(join(where, 'components'));
  writeFileSync(join(where, 'components', file), 'changed');
  assert.throws(() => state.component(first), refused('TENON_HOST_STATE'));
  state.close();
});

test('state that is damaged, or somebody else’s, is refused and left as it is', () => {
  const where = folder();
  new DesiredState(where).close();
  const file = join(where, 'host.db');
  for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  writeFileSync(file, 'not a database at all, but long enough to look at'.repeat(50));
  const before = readFileSync(file);
  assert.throws(() => new DesiredState(where), refused('TENON_HOST_STATE'));
  assert.ok(readFileSync(file).equals(before));
});

test('a memory for what must outlive a restart', () => {
  const where = folder();
  const state = new DesiredState(where);
  state.remember('cron:a', '1');
  state.remember('cron:a', '2');
  state.close();
  const again = new DesiredState(where);
  assert.equal(again.recall('cron:a'), '2');
  assert.equal(again.recall('cron:b'), undefined);
  again.close();
});
