/** Subjects as NATS has them: tokens between dots; in a pattern `*` is one token and a last `>` is one or more. */

const MAX_BYTES = 256;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const TOKEN = /^[^\s\0-\x1f\x7f.]+$/;

/** Why a text is not a subject (or, with `wildcards`, not a pattern); undefined when it is one. */
export function subjectProblem(subject: string, wildcards = false): string | undefined {
  if (subject === '') return 'it is empty';
  if (Buffer.byteLength(subject) > MAX_BYTES) return `it is longer than ${MAX_BYTES} bytes`;
  const tokens = subject.split('.');
  for (const [index, token] of tokens.entries()) {
    if (!TOKEN.test(token)) return token === '' ? 'it has an empty token' : 'it has white space or control characters';
    const wild = token === '*' || token === '>';
    if (wild && !wildcards) return 'a message cannot be sent to a wildcard';
    if (token === '>' && index < tokens.length - 1) return '">" may stand only at the end';
  }
  return undefined;
}

/** Whether a subject fits a pattern. */
export function matches(pattern: string, subject: string): boolean {
  if (pattern === subject) return true;
  const wanted = pattern.split('.');
  const tokens = subject.split('.');
  for (const [index, token] of wanted.entries()) {
    if (token === '>') return tokens.length > index;
    if (index >= tokens.length || (token !== '*' && token !== tokens[index])) return false;
  }
  return wanted.length === tokens.length;
}
