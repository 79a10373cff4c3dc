/** Which of some names was probably meant by one that is not among them. */

/** Longer names are not compared: it would take the square of their length. */
const MAX_LENGTH = 200;

/** How many letters must be put in, left out, changed or exchanged with their neighbour to come from one text to the other. */
export function distance(a: string, b: string): number {
  if (a.length > MAX_LENGTH || b.length > MAX_LENGTH) return a === b ? 0 : Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      next.push(cost);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The name that differs least, in a third of its letters at most. */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of names) {
    const between = distance(name.toLowerCase(), candidate.toLowerCase());
    if (between < least && between <= Math.max(1, Math.min(name.length, candidate.length) / 3)) {
      best = candidate;
      least = between;
    }
  }
  return best;
}
