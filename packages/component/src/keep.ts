/**
 * V8 throws away the code that it has optimised for the objects of a class when a full collection finds none of them alive. Full
 * collections are frequent where instances are made, since each has a memory. So one object is kept of each class whose objects live only
 * while a component is decoded, validated or linked.
 */
const kept: object[] = [];

export function keepOneOf(...objects: readonly object[]): void {
  kept.push(...objects);
}
