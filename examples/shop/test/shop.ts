/** The shop as a user runs it: by the command line, in a folder of its own. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lock } from '../../../guests/build.ts';
import { type Finished, tenon } from '../../../packages/cli/test/tenon.ts';
import { HostClient, type HostStatus, hostSocket } from '../../../packages/runtime/src/host/index.ts';
import { build } from '../build.ts';

const SOURCE = join(import.meta.dirname, '..');
const COMPONENTS = ['front', 'prices', 'orders', 'images', 'jobs'];

export interface Order {
  readonly id: number;
  readonly item: string;
  readonly count: number;
  readonly cents: number;
  readonly state: 'placed' | 'packed' | 'shipped';
}

export class Shop {
  /** A copy of the example, to change files in. */
  readonly folder: string = mkdtempSync(join(tmpdir(), 'tenon-shop-'));
  readonly data: string = join(this.folder, 'data');
  url = '';
  pid = 0;

  /** Builds what is not in git, and copies the example. */
  static async open(): Promise<Shop> {
    const front = join(SOURCE, 'front', 'front.wasm');
    if (!existsSync(front)) {
      const unlock = await lock();
      try {
        if (!existsSync(front)) await build('front');
      } finally {
        unlock();
      }
    }
    const shop = new Shop();
    for (const file of ['tenon.yaml', ...COMPONENTS.map((name) => `${name}/${name}.wasm`)])
      cpSync(join(SOURCE, file), join(shop.folder, file));
    return shop;
  }

  get manifest(): string {
    return join(this.folder, 'tenon.yaml');
  }

  tenon(...args: readonly string[]): Promise<Finished> {
    return tenon(args, { cwd: this.folder, env: { TENON_DATA: this.data, SHOP_PORT: '0' } });
  }

  /** `tenon up --detach`, or with `--empty` what ran before. Learns where the shop listens. */
  async up(...args: readonly string[]): Promise<Finished> {
    const finished = await this.tenon('up', '--detach', ...args);
    await this.look();
    return finished;
  }

  /** Waits until all that is wanted runs. */
  async running(): Promise<void> {
    for (;;) {
      const { workloads } = await this.look();
      if (workloads.length > 0 && workloads.every(({ state }) => state === 'running')) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async look(): Promise<HostStatus> {
    const client = new HostClient(hostSocket(this.data));
    try {
      const status = await client.status();
      this.pid = status.pid;
      this.url = status.workloads.find(({ name }) => name === 'front')?.urls[0] ?? this.url;
      return status;
    } finally {
      client.close();
    }
  }

  /** No chance to tidy up. */
  async kill(): Promise<void> {
    process.kill(this.pid, 'SIGKILL');
    await this.gone();
  }

  /** Waits until the process of the host has ended. */
  async gone(): Promise<void> {
    for (;;) {
      try {
        // A process that is dead and not yet waited for has no command line any more.
        if (readFileSync(`/proc/${this.pid}/cmdline`, 'utf8') === '') return;
      } catch {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async json<T>(path: string, init?: RequestInit): Promise<T> {
    const response = await fetch(this.url + path, init);
    const text = await response.text();
    assert.ok(response.ok, `${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  order(item: string, count: number): Promise<{ readonly id: number; readonly cents: number }> {
    return this.json(`/orders?item=${item}&count=${count}`, { method: 'POST' });
  }

  orders(): Promise<readonly Order[]> {
    return this.json('/orders');
  }

  async close(): Promise<void> {
    await this.tenon('down', '--host').catch(() => {});
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
