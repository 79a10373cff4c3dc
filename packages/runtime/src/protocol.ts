/**
 * What Node's parsers let through and a guest must not see: requests that two servers in a row could understand differently
 * (RFC 9112, sections 3.2, 6.1 and 11.2), and requests that are larger than allowed.
 */
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Limits } from './config.ts';

export type Request = IncomingMessage | Http2ServerRequest;

/** Why a request is refused, and with which status. */
export interface Refusal {
  readonly status: 400 | 405 | 408 | 413 | 431 | 501 | 505;
  readonly why: string;
}

const bad = (why: string): Refusal => ({ status: 400, why });

// RFC 3986, section 3.2: a host and maybe a port, no user information. The empty host is good for nothing.
const AUTHORITY = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::\d{0,5})?$/;
// RFC 9112, section 3.2: no space, no control, no fragment.
const TARGET = /^\/[!"$-~]*$/;
const ABSOLUTE = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^#]*)$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * Looks at the head of a request before anybody else does.
 * @param secure whether it came over TLS
 * @returns undefined for a request that may go on; its target is then in origin form, or `*`, and `headers.host` is the host that it is for
 */
export function refusal(request: Request, secure: boolean, limits: Limits): Refusal | undefined {
  return sizes(request, limits) ?? (request.httpVersionMajor === 2 ? http2(request, secure) : http1(request, secure));
}

function sizes({ rawHeaders, headers }: Request, limits: Limits): Refusal | undefined {
  if (rawHeaders.length > 2 * limits.maxHeaders) return { status: 431, why: `more than ${limits.maxHeaders} header fields` };
  let bytes = 0;
  for (const text of rawHeaders) bytes += text.length;
  if (bytes > limits.maxHeaderBytes) return { status: 431, why: `header fields of more than ${limits.maxHeaderBytes} bytes` };
  const length = headers['content-length'];
  // Both parsers have made sure that it is a number.
  return length !== undefined && Number(length) > limits.maxBodyBytes ? tooLong(limits) : undefined;
}

export function tooLong({ maxBodyBytes }: Limits): Refusal {
  return { status: 413, why: `a body of more than ${maxBodyBytes} bytes` };
}

function http1(request: Request, secure: boolean): Refusal | undefined {
  const { httpVersion, rawHeaders, headers } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return { status: 505, why: `HTTP/${httpVersion}` };
  const hosts = values(rawHeaders, 'host');
  if (hosts.length > 1) return bad('more than one Host');
  const [host] = hosts;
  if (host !== undefined && !AUTHORITY.test(host)) return bad('a Host that is no host');
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && httpVersion === '1.0') return bad('a transfer coding in HTTP/1.0');
  // RFC 9112, section 6.3: without `chunked` at the end nobody knows how long the body is.
  if (coding !== undefined && !/(?:^|,[ \t]*)chunked$/i.test(coding)) return bad('a transfer coding that does not end with chunked');
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return { status: 501, why: 'a transfer coding other than chunked' };
  return absolute(request, secure) ?? target(request);
}

function http2(request: Request, secure: boolean): Refusal | undefined {
  const { headers, rawHeaders } = request;
  const { ':authority': authority, ':scheme': scheme, ':method': method } = headers as Readonly<Record<string, string | undefined>>;
  if (method === 'CONNECT') return { status: 405, why: 'CONNECT' };
  if (!TOKEN.test(method ?? '')) return bad('a method that is no token');
  if (scheme !== (secure ? 'https' : 'http')) return bad('a scheme other than that of the connection');
  const hosts = values(rawHeaders, 'host');
  const host = authority ?? hosts[0];
  if (hosts.length > 1) return bad('more than one Host');
  if (host === undefined || !AUTHORITY.test(host)) return bad('an authority that is no host');
  if (hosts[0] !== undefined && !sameHost(hosts[0], host, secure)) return bad('a Host other than the authority');
  return target(request);
}

function target({ url = '', method }: Request): Refusal | undefined {
  if (TARGET.test(url) || (url === '*' && method === 'OPTIONS')) return undefined;
  return bad('a target that is no path');
}

/** Takes a target in absolute form apart. Its host is what counts, whatever `Host` says (RFC 9112, section 3.2.2). */
function absolute(request: Request, secure: boolean): Refusal | undefined {
  const [, scheme = '', authority = '', rest = ''] = ABSOLUTE.exec(request.url ?? '') ?? [];
  if (scheme === '') return undefined;
  if (scheme.toLowerCase() !== (secure ? 'https' : 'http')) return bad('a target of another scheme');
  if (!AUTHORITY.test(authority)) return bad('a target whose host is none');
  request.headers.host = authority;
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  return undefined;
}

function values(rawHeaders: readonly string[], name: string): string[] {
  const found: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const text = rawHeaders[i] ?? '';
    if (text.length === name.length && text.toLowerCase() === name) found.push(rawHeaders[i + 1] ?? '');
  }
  return found;
}

function sameHost(one: string, other: string, secure: boolean): boolean {
  const plain = (text: string): string => text.toLowerCase().replace(secure ? /:(443)?$/ : /:(80)?$/, '');
  return plain(one) === plain(other);
}
