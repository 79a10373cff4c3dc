/**
 * How a message that a guest gives is framed: what its head says of its body, whether it may have one, and what does not add up
 * (RFC 9110, sections 6.4, 6.5 and 8.6; RFC 9112, section 6; RFC 9113, section 8.1.1). HTTP/1.1 and HTTP/2 carry the same messages: in
 * HTTP/1.1 a body whose head tells no length goes in chunks.
 */
import { HttpError, type HttpProblem } from './error.ts';
import type { FieldList } from './fields.ts';

/** What is known of a kind of message before its fields are looked at. */
interface Kind {
  /** What becomes of the body's bytes: they are sent, there may be none, or nobody gets them. */
  readonly content: 'sent' | 'forbidden' | 'dropped';
  /** Whether the head tells the length of a body of which the guest does not say it. */
  readonly tells: 'always' | 'unless empty' | 'never';
  /** Whether the guest may say so: any, only none, or only none, which is then left out. */
  readonly length: 'any' | 'zero' | 'left out';
  readonly problem: HttpProblem;
}

const REQUEST = { content: 'sent', length: 'any', problem: 'HTTP-request-body-size' } as const;
const ORDINARY_REQUEST: Kind = { ...REQUEST, tells: 'always' };
/** RFC 9110, section 8.6: whoever sends no body where none is expected says nothing of its length. */
const BODILESS_REQUEST: Kind = { ...REQUEST, tells: 'unless empty' };
const BODILESS_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

const RESPONSE = { content: 'sent', tells: 'always', length: 'any', problem: 'HTTP-response-body-size' } as const;
/** What it says of a body is what the answer to GET would have. */
const TO_HEAD: Kind = { ...RESPONSE, content: 'dropped', tells: 'unless empty' };
const BY_STATUS: ReadonlyMap<number, Kind> = new Map([
  [204, { ...RESPONSE, content: 'forbidden', tells: 'never', length: 'left out' }],
  [205, { ...RESPONSE, content: 'forbidden', length: 'zero' }],
  // Its length is that of the body which the client has already.
  [304, { ...RESPONSE, content: 'forbidden', tells: 'never' }],
]);

/** Fields that a recipient must know before the body, to frame it, to route it, to admit it or to read it (RFC 9110, section 6.5.1). */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'max-forwards',
  'set-cookie',
  'te',
  'trailer',
]);

/** Whether a response may end with this status: 1xx is for those that go ahead (RFC 9110, section 15.2). */
export function isFinal(status: number): boolean {
  return status >= 200 && status <= 599;
}

/**
 * Looks at a response that goes ahead of the final one. 101 would give the connection away.
 * @throws HttpError `HTTP-protocol-error` for what none may be
 */
export function checkInformational(status: number, fields: FieldList): void {
  if (status < 100 || status > 199 || status === 101) throw new HttpError('HTTP-protocol-error', `${status} is no informational status`);
  if (fields.has('content-length') || fields.has('trailer'))
    throw new HttpError('HTTP-protocol-error', 'an informational response has no body');
}

/** @throws HttpError `HTTP-protocol-error` for trailers that no message may have */
export function checkTrailers({ pairs }: FieldList): void {
  for (let index = 0; index < pairs.length; index += 2) {
    const name = pairs[index] ?? '';
    if (NOT_IN_TRAILERS.has(name)) throw new HttpError('HTTP-protocol-error', `${name} cannot be a trailer`);
  }
}

/** The framing of one message. */
export class Framing {
  readonly #kind: Kind;
  readonly #pairs: readonly string[];
  /** Bytes that the guest says the body has. */
  #declared: number | undefined;
  #announcesTrailers = false;

  private constructor(kind: Kind, { pairs }: FieldList) {
    this.#kind = kind;
    this.#pairs = pairs;
    for (let index = 0; index < pairs.length; index += 2) {
      const name = pairs[index];
      if (name === 'content-length') this.#declare(pairs[index + 1] ?? '');
      else if (name === 'trailer') this.#announcesTrailers = true;
    }
  }

  /**
   * @param method that of the request
   * @throws HttpError for what no response may be
   */
  static response(method: string, status: number, fields: FieldList): Framing {
    if (!isFinal(status)) throw new HttpError('HTTP-protocol-error', `no response ends with the status ${status}`);
    return new Framing(BY_STATUS.get(status) ?? (method === 'HEAD' ? TO_HEAD : RESPONSE), fields);
  }

  /** @throws HttpError for what no request may be */
  static request(method: string, fields: FieldList): Framing {
    return new Framing(BODILESS_METHODS.has(method) ? BODILESS_REQUEST : ORDINARY_REQUEST, fields);
  }

  /** Whether bytes of the body go out. Without them the head is the whole message. */
  get hasContent(): boolean {
    return this.#kind.content === 'sent';
  }

  /**
   * Looks at how many bytes the guest has written.
   * @param ended whether they are all of the body
   * @throws HttpError when they are not what the head says
   */
  check(written: number, ended: boolean): void {
    const { content, problem } = this.#kind;
    if (content === 'forbidden' && written > 0) throw new HttpError(problem, 'a response of this status has no body', written);
    const declared = this.#declared;
    if (content !== 'sent' || declared === undefined) return;
    if (written > declared) throw new HttpError(problem, `the body is longer than its content-length of ${declared}`, written);
    if (ended && written < declared)
      throw new HttpError(problem, `the body has ${written} bytes, its content-length is ${declared}`, written);
  }

  /** Names and values of a head whose body is known to its end. */
  whole(length: number, trailers: boolean): string[] {
    const { tells, length: allowed } = this.#kind;
    const follows = trailers && this.hasContent;
    const pairs = this.#without(follows || allowed === 'left out', !follows);
    const known = follows || this.#declared !== undefined || tells === 'never' || (tells === 'unless empty' && length === 0);
    if (!known) pairs.push('content-length', String(length));
    return pairs;
  }

  /** Names and values of a head whose body follows. Where trailers are announced no length is told, since HTTP/1.1 has only one of them. */
  streamed(): string[] {
    return this.hasContent ? this.#without(this.#announcesTrailers, false) : this.whole(0, false);
  }

  #without(length: boolean, trailer: boolean): string[] {
    if (!(length && this.#declared !== undefined) && !(trailer && this.#announcesTrailers)) return [...this.#pairs];
    const kept: string[] = [];
    for (let index = 0; index < this.#pairs.length; index += 2) {
      const name = this.#pairs[index] ?? '';
      if ((length && name === 'content-length') || (trailer && name === 'trailer')) continue;
      kept.push(name, this.#pairs[index + 1] ?? '');
    }
    return kept;
  }

  #declare(text: string): void {
    if (this.#declared !== undefined) throw new HttpError('HTTP-protocol-error', 'there is more than one content-length');
    const length = Number(text);
    if (!/^(?:0|[1-9][0-9]*)$/.test(text) || !Number.isSafeInteger(length))
      throw new HttpError('HTTP-protocol-error', `content-length is ${JSON.stringify(text)}, which is no number of bytes`);
    if (length > 0 && this.#kind.length !== 'any')
      throw new HttpError(this.#kind.problem, `a response of this status has no body, but a content-length of ${length}`, length);
    this.#declared = length;
  }
}
