import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { Component } from '../component.ts';
import { labelOf, type NamedType, originOf, resourceNameOf } from './identity.ts';
import type { ExternType } from './types.ts';

async function externs(text: string): Promise<ReadonlyMap<string, ExternType>> {
  const component = await Component.compile(new Uint8Array(await parse(text)));
  return new Map([...component.imports, ...component.exports].map(({ name, type }) => [name, type]));
}

function inside(items: ReadonlyMap<string, ExternType>, instance: string, name: string): ExternType {
  const found = items.get(instance);
  assert.ok(found?.kind === 'instance', instance);
  const item = found.type.exports.get(name);
  assert.ok(item !== undefined, `${instance} ${name}`);
  return item;
}

function named(type: ExternType): NamedType {
  assert.ok(type.kind === 'type' && (type.type.kind === 'value' || type.type.kind === 'resource'));
  return type.type.kind === 'value' ? type.type.type : type.type;
}

function firstParam(type: ExternType): NamedType {
  assert.ok(type.kind === 'func');
  const param = type.type.params[0]?.type;
  assert.ok(param !== undefined);
  return param.kind === 'own' || param.kind === 'borrow' ? resourceNameOf(param) : param;
}

/** `a:b/t` has a size, a record and a resource; `a:b/u` uses them by other names. */
const INTERFACES = `
  (import "a:b/t" (instance $t
    (type $size' u64) (export "size" (type $size (eq $size')))
    (type $p' (record (field "x" $size))) (export "p" (type $p (eq $p')))
    (type $q' (record (field "x" $size))) (export "q" (type (eq $q')))
    (export "r" (type (sub resource)))))
  (alias export $t "p" (type $p)) (alias export $t "r" (type $r)) (alias export $t "size" (type $size))
  (type $u (instance
    (alias outer 1 $p (type $p')) (export "point" (type $p (eq $p')))
    (alias outer 1 $r (type $r')) (export "res" (type $r (eq $r')))
    (alias outer 1 $size (type $size))
    (export "f" (func (param "a" $p)))
    (export "g" (func (param "a" (borrow $r))))
    (export "h" (func (param "a" $size)))))
  (import "a:b/u" (instance $u (type $u)))`;

test('a use of a type is the very type that the name made', async () => {
  const items = await externs(`(component ${INTERFACES})`);
  const type = (instance: string, name: string): NamedType => named(inside(items, instance, name));
  assert.equal(firstParam(inside(items, 'a:b/u', 'f')), type('a:b/u', 'point'));
  assert.equal(firstParam(inside(items, 'a:b/u', 'g')), type('a:b/u', 'res'));
  assert.equal(firstParam(inside(items, 'a:b/u', 'h')), type('a:b/t', 'size'));
  assert.equal(originOf(type('a:b/u', 'point')), type('a:b/t', 'p'));
  assert.equal(originOf(type('a:b/u', 'res')), type('a:b/t', 'r'));
  assert.equal(labelOf(type('a:b/u', 'point')), 'point');
  assert.equal(labelOf(type('a:b/t', 'r')), 'r');
  // Equal in structure, and two.
  assert.notEqual(type('a:b/t', 'p'), type('a:b/t', 'q'));
});

test('two imports of one instance type have types of their own', async () => {
  const items = await externs(`(component
    (type $t (instance (type $e' (enum "x")) (export "e" (type $e (eq $e'))) (export "f" (func (param "a" $e)))))
    (import "one" (instance (type $t))) (import "two" (instance (type $t))))`);
  for (const name of ['one', 'two']) assert.equal(firstParam(inside(items, name, 'f')), named(inside(items, name, 'e')));
  assert.notEqual(named(inside(items, 'one', 'e')), named(inside(items, 'two', 'e')));
  assert.equal(labelOf(named(inside(items, 'two', 'e'))), 'e');
});

test('what an instance exports is of the types that it was given', async () => {
  // $c exports types of its imports through an instance of $api; the component around it gives $c its own imports.
  const items = await externs(`(component ${INTERFACES}
    (component $c ${INTERFACES}
      (component $api
        (import "r" (type $r (sub resource)))
        (type $p' (record (field "x" u64))) (import "p" (type $p (eq $p')))
        (export "point" (type $p)) (export "res" (type $r)))
      (alias export $u "point" (type $point)) (alias export $u "res" (type $res))
      (instance $i (instantiate $api (with "p" (type $point)) (with "r" (type $res))))
      (export "a:b/api" (instance $i)))
    (instance $i (instantiate $c (with "a:b/t" (instance $t)) (with "a:b/u" (instance $u))))
    (alias export $i "a:b/api" (instance $api))
    (export "a:b/api" (instance $api)))`);
  for (const name of ['point', 'res']) {
    const exported = named(inside(items, 'a:b/api', name));
    assert.equal(originOf(exported), named(inside(items, 'a:b/u', name)), name);
    assert.equal(labelOf(exported), name);
  }
});

test('an instance is exported with the types that it has, however often', async () => {
  const items = await externs(`(component
    (component $c
      (component $t (type $e (enum "x")) (export "e" (type $e)))
      (instance $t (instantiate $t)) (export "a:b/t" (instance $t)))
    (instance $c (instantiate $c))
    (alias export $c "a:b/t" (instance $t)) (alias export $t "e" (type $e))
    (component $u (type $e' (enum "x")) (import "e" (type $e (eq $e'))) (type $l (list $e)) (export "l" (type $l)))
    (instance $u (instantiate $u (with "e" (type $e))))
    (alias export $u "l" (type $l))
    (export "a:b/t" (instance $t)) (export "a:b/u" (instance $u)))`);
  const list = named(inside(items, 'a:b/u', 'l'));
  assert.ok(list.kind === 'list');
  assert.equal(list.element, named(inside(items, 'a:b/t', 'e')));
});
