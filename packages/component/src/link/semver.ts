/**
 * Which version of an interface can stand for which other: semver-compatible versions share a track.
 * `wasi:io/streams@0.2.12` provides `wasi:io/streams@0.2.x`.
 */

/** The name without version, and the part of the version that must be equal; the whole name where there is no version. */
export function versionTrack(name: string): string {
  const at = name.lastIndexOf('@');
  if (at < 0) return name;
  const version = name.slice(at + 1);
  const match = /^(\d+)\.(\d+)\.(\d+)(?:\+.*)?$/.exec(version);
  // A pre-release is compatible with nothing but itself.
  if (match === null) return name;
  const [, major, minor, patch] = match;
  const track = major !== '0' ? major : minor !== '0' ? `0.${minor}` : `0.0.${patch}`;
  return `${name.slice(0, at)}@${track}`;
}

/** The name without its version. */
export function baseName(name: string): string {
  const at = name.lastIndexOf('@');
  return at < 0 ? name : name.slice(0, at);
}

/** Orders two versions of one track, by minor and patch. */
function compareVersions(a: string, b: string): number {
  const parts = (name: string): number[] =>
    name
      .slice(name.lastIndexOf('@') + 1)
      .split(/[.+-]/)
      .map(Number);
  const x = parts(a);
  const y = parts(b);
  for (let i = 0; i < 3; i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Finds what provides `name`: the same name, or else the highest version on its track. */
export function provider(names: Iterable<string>, name: string): string | undefined {
  const track = versionTrack(name);
  let best: string | undefined;
  for (const candidate of names) {
    if (candidate === name) return candidate;
    if (versionTrack(candidate) !== track) continue;
    if (best === undefined || compareVersions(candidate, best) > 0) best = candidate;
  }
  return best;
}
