/** Small components that mean much: what mutations alone would hardly find. */
import { type Bytes, concat, join, leb, name, vec } from './bytes.ts';
import { COMPONENT_PREAMBLE, MODULE_PREAMBLE } from './tree.ts';

type Part = ArrayLike<number>;

const U8 = 0x7d;
const STRING = 0x73;

const component = (...sections: readonly Part[]): Bytes => join([COMPONENT_PREAMBLE, ...sections]);
const section = (id: number, body: Part): Bytes => concat([id], leb(body.length), body);
const types = (...items: readonly Part[]): Bytes => section(7, vec(items));
const part = (body: Part): Bytes => section(4, body);
const instances = (...items: readonly Part[]): Bytes => section(5, vec(items));
const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const index = (i: number): number[] => leb(i);
/** As a value type, where primitives take the negative numbers. */
const typeIndex = (i: number): number[] => (i % 128 >= 64 && i < 128 ? [i | 0x80, 0x00] : leb(i));

/** `instantiate` without arguments. */
const instance = (of: number): Part => [0x00, ...index(of), 0x00];
const tuple = (...elements: readonly Part[]): Part => concat([0x6f], vec(elements));
const label = (i: number): number[] => name(`n${i}`);
const exportName = (text: string): number[] => [0x00, ...name(text)];
const funcType = (param: number): Part => concat([0x40], vec([concat(name('v'), typeIndex(param))]), [0x01, 0x00]);
const importInstance = (text: string, type: number): Part => section(10, vec([concat(exportName(text), [0x05], index(type))]));

/** A type that doubles at each step. */
const doubling = (steps: number, leaf: number): Part[] => [
  tuple([leaf], [leaf]),
  ...times(steps, (i) => tuple(typeIndex(i), typeIndex(i))),
];

/** Components in components: each level instantiates the one below `width` times. */
function instanceTree(levels: number, width: number, leaf: Bytes = component()): Bytes {
  let inner = leaf;
  for (let level = 0; level < levels; level++) inner = component(part(inner), instances(...times(width, () => instance(0))));
  return inner;
}

function nested(depth: number): Bytes {
  let inner = component();
  for (let level = 0; level < depth; level++) inner = component(part(inner));
  return inner;
}

/** An instance type in an instance type in … */
function nestedTypes(depth: number): Bytes {
  let type: Part = [0x42, 0x00];
  for (let level = 0; level < depth; level++) type = concat([0x42, 0x01, 0x01], type);
  return component(types(type));
}

/** An instance type with a resource and a function that makes one. */
const RESOURCE_AND_FUNCTION: Part = concat(
  [0x42, 0x04, 0x04, ...exportName('r'), 0x03, 0x01],
  [0x01, 0x69, 0x00, 0x01, 0x40, 0x00, 0x00, 0x01],
  [0x04, ...exportName('f'), 0x01, 0x02],
);

/** Instance types that export the one before twice, imported at the end. */
function instanceTypeTree(levels: number, leaf: Part = [0x42, 0x00]): Bytes {
  const exported = (text: string, outer: number): Part => concat([0x02, 0x03, 0x02, 0x01], index(outer), [0x04], exportName(text), [0x05]);
  const type = (i: number): Part =>
    i === 0 ? leaf : concat([0x42], leb(4), withIndex(exported('a', i - 1), 0), withIndex(exported('b', i - 1), 1));
  return component(types(...times(levels, type)), importInstance('x', levels - 1));
}
const withIndex = (declaration: Part, at: number): Part => concat([0x02, 0x03], Array.from(declaration).slice(2), index(at));

const emptyModule = section(1, MODULE_PREAMBLE);
const record = (fields: number): Part => concat([0x72], vec(times(fields, (i) => concat(label(i), [U8]))));
const canons = (...items: readonly Part[]): Part => section(8, vec(items));
const BACKPRESSURE_INC = [0x24];

/** Instances made of the one before, twice. */
function bundles(levels: number): Bytes {
  const bundle = (of: number): Part => concat([0x01], vec(['a', 'b'].map((text) => concat(exportName(text), [0x05], index(of)))));
  const exported = section(11, vec([concat(exportName('x'), [0x05], index(levels), [0x00])]));
  return component(instances([0x01, 0x00], ...times(levels, bundle)), exported);
}

/** Core instances that get many items each. */
function wideImports(items: number, users: number): Bytes {
  const bag = concat([0x01], vec(times(items, (i) => concat(label(i), [0x00, 0x00]))));
  const user = concat([0x00, 0x00, 0x01], name(''), [0x12, 0x00]);
  return component(emptyModule, canons(BACKPRESSURE_INC), section(2, vec([bag, ...times(users, () => user)])));
}

/** A function lowered, lifted again, lowered … `times` times, and exported. */
function liftedAgain(count: number): Bytes {
  const again = times(count, (i) => canons(concat([0x01, 0x00], index(i), [0x00]), concat([0x00, 0x00], index(i), [0x00], index(0))));
  const imported = section(10, vec([concat(exportName('f'), [0x01], index(0))]));
  const exported = section(11, vec([concat(exportName('g'), [0x01], index(count), [0x00])]));
  return component(types([0x40, 0x00, 0x01, 0x00]), imported, ...again, exported);
}

/** Many functions of one large type, all lowered and used. */
function wideFunctions(fields: number, lowers: number): Bytes {
  const type = concat([0x40], vec([concat(name('v'), [0x00])]), [0x01, 0x00]);
  const imported = section(10, vec([concat(exportName('f'), [0x01, 0x01])]));
  const memory = section(1, concat(MODULE_PREAMBLE, section(5, [0x01, 0x00, 0x01]), section(7, vec([concat(name('m'), [0x02, 0x00])]))));
  const alias = section(6, vec([concat([0x00, 0x02, 0x01, 0x00], name('m'))]));
  const lowered = canons(...times(lowers, () => [0x01, 0x00, 0x00, 0x01, 0x03, 0x00]));
  const bag = concat([0x01], vec(times(lowers, (i) => concat(label(i), [0x00], index(i)))));
  const user = concat([0x00, 0x01, 0x01], name(''), [0x12, 0x01]);
  const strings = tuple(...times(fields, () => [STRING]));
  return component(
    types(strings, type),
    imported,
    memory,
    section(2, vec([[0x00, 0x00, 0x00]])),
    alias,
    lowered,
    emptyModule,
    section(2, vec([bag, user])),
  );
}

/** Every input is valid or refused for a limit; all must end soon and in little memory. */
export function extremes(): readonly Bytes[] {
  const wide = 60_000;
  return [
    component(types(...doubling(17, U8), funcType(17))),
    component(types(...doubling(17, STRING), funcType(17))),
    component(types(...doubling(28, U8))),
    component(types(...times(wide / 4, () => tuple([U8])))),
    component(types(concat([0x72], vec(times(8_000, (i) => concat(label(i), [U8])))))),
    component(types(concat([0x71], vec(times(8_000, (i) => concat(label(i), [0x01, i % 2 === 0 ? U8 : STRING, 0x00])))))),
    component(types(concat([0x6d], vec(times(8_000, label))))),
    component(types(...times(99, (i) => (i === 0 ? [0x70, U8] : [0x70, ...typeIndex(i - 1)])))),
    component(types(...times(101, (i) => (i === 0 ? [0x70, U8] : [0x70, ...typeIndex(i - 1)])))),
    component(types(...times(20, (i) => concat([0x67], i === 0 ? [U8] : typeIndex(i - 1), leb(1000))))),
    instanceTree(13, 2),
    instanceTree(14, 2),
    instanceTree(4, 10),
    instanceTree(2, 600),
    instanceTree(1, wide / 3),
    instanceTree(12, 2, component(types(...times(wide / 5, () => tuple([U8]))))),
    instanceTree(12, 2, component(types(record(8_000)))),
    instanceTree(12, 2, component(emptyModule, section(2, vec(times(200, () => [0x00, 0x00, 0x00]))))),
    instanceTree(12, 2, component(canons(...times(wide / 4, () => BACKPRESSURE_INC)))),
    // Just within what linking allows.
    instanceTree(3, 2, component(canons(...times(15_000, () => BACKPRESSURE_INC)))),
    instanceTree(3, 2, component(types(record(8_000)), types(...times(14_000, () => [0x6b, U8])))),
    instanceTree(4, 5, component(emptyModule, section(2, vec(times(100, () => [0x00, 0x00, 0x00]))))),
    wideImports(2_000, 120),
    instanceTree(12, 2, component(...times(wide / 12, () => part(component())))),
    bundles(12),
    bundles(18),
    wideImports(5_000, 900),
    wideFunctions(9_000, 4_000),
    liftedAgain(400),
    liftedAgain(4_000),
    nested(99),
    nested(101),
    nested(3_000),
    nestedTypes(99),
    nestedTypes(3_000),
    instanceTypeTree(15),
    instanceTypeTree(40),
    instanceTypeTree(40, RESOURCE_AND_FUNCTION),
    component(section(10, vec(times(5_000, (i) => concat(exportName(`n${i}`), [0x03, 0x01]))))),
    // A byte or two each.
    component(section(8, vec(times(900_000, () => BACKPRESSURE_INC)))),
    component(section(3, vec(times(450_000, () => [0x50, 0x00])))),
    component(section(7, vec(times(450_000, () => [0x42, 0x00])))),
    component(...times(wide / 3, () => section(7, [0x00]))),
    component(...times(wide / 4, () => section(0, [0x01, 0x61]))),
  ];
}
