/** What a guest asked for that nobody granted, for the person who can grant it. */
export interface Refusal {
  /** What for: to send an HTTP request, a use of sockets, or to look a name up. */
  readonly use: 'http' | 'connect' | 'listen' | 'send' | 'receive' | 'lookup';
  /** Host and port, an address and port, or a name; what is not printable in it is escaped. */
  readonly target: string;
  /** The option of the command line that grants just this: `--connect 10.0.0.1:80`. */
  readonly option: string;
  /** One sentence for people. */
  readonly message: string;
}

const WORDS = {
  http: { asked: 'send an HTTP request to', option: 'http' },
  connect: { asked: 'connect to', option: 'connect' },
  send: { asked: 'send a datagram to', option: 'connect' },
  lookup: { asked: 'look up', option: 'connect' },
  listen: { asked: 'listen at', option: 'listen' },
  receive: { asked: 'receive datagrams at', option: 'listen' },
} as const satisfies Readonly<Record<Refusal['use'], { readonly asked: string; readonly option: string }>>;

/** A guest that tries every address of the world is not told of for ever. */
const MOST = 1000;

/** Tells once of what one option would grant. */
export class Refusals {
  readonly #tell: (refusal: Refusal) => void;
  readonly #told = new Set<string>();

  constructor(tell: (refusal: Refusal) => void) {
    this.#tell = tell;
  }

  /** @param via where the target led to, when it is that which is not granted */
  report({ use, target, via }: Pick<Refusal, 'use' | 'target'> & { readonly via?: string | undefined }): void {
    const { asked, option } = WORDS[use];
    const plain = printable(target);
    const grant = `--${option} ${via ?? plain}`;
    if (this.#told.size >= MOST || this.#told.has(grant)) return;
    this.#told.add(grant);
    const led = via === undefined ? '' : `, which leads to ${via}`;
    this.#tell({ use, target: plain, option: grant, message: `the guest may not ${asked} ${plain}${led}: \`${grant}\` would let it` });
  }
}

function printable(text: string): string {
  return text.replace(/[^\x21-\x7e]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
