/** The plugin `blobstore`: `wasi:blobstore` and `wasmcloud:blobstore`, in memory or in files. */
import { join } from 'node:path';
import { definePlugin, refuse } from '@tenon/plugin';
import { inputStream, outputStream } from '@tenon/wasi';
import { fileName } from '../file-name.ts';
import { packageOf, refuseFolder, refuseUnconfigured } from '../place.ts';
import { SharedStores } from '../stores.ts';
import { BlobError, type BlobStore, DEFAULT_BLOB_LIMITS } from './backend.ts';
import { type FaceOptions, wasi, wasmcloud } from './faces.ts';
import { FileBlobs } from './files.ts';
import { MemoryBlobs } from './memory.ts';

/** What a workload configures. The interface names containers, not stores: there is one store, under the label `default`. */
export interface BlobstoreConfig {
  /** `memory` is lost when the host ends; `files` is kept in a folder. */
  readonly backend: 'memory' | 'files';
  /** Workloads of one namespace that name the same store share it; a store of the workload's own unless given. */
  readonly store?: string | undefined;
  /** Path of the folder; one in the host's data folder unless given. */
  readonly folder?: string | undefined;
  /** The containers that the workload may use; all of the store unless given. */
  readonly containers?: readonly string[] | undefined;
  /** Bytes that an object may have. */
  readonly maxObjectBytes: number;
  /** Bytes that a store in memory may hold. */
  readonly maxMemoryBytes: number;
}

interface State {
  readonly stores: SharedStores<BlobStore>;
  readonly hostId: string;
  readonly dataFolder: string | undefined;
}

const STREAMS = { input: inputStream, output: outputStream };
const FACES: readonly ((options: FaceOptions) => Readonly<Record<string, object>>)[] = [wasi, wasmcloud];
const LABEL = 'default';

export const blobstore = definePlugin<State, Record<string, never>, BlobstoreConfig>({
  name: 'blobstore',
  interfaces: FACES.flatMap((face) => Object.keys(face({ store: {} as BlobStore, streams: STREAMS, maxSyncBytes: 0, mayUse: () => {} }))),
  config: {
    type: 'object',
    properties: {
      backend: {
        enum: ['memory', 'files'],
        default: 'memory',
        description: 'memory is lost when the host ends; files is kept in a folder',
      },
      store: { type: 'string', minLength: 1, maxLength: 200, description: 'workloads that name the same store share it' },
      folder: { type: 'string', minLength: 1, description: 'path of the folder; in the data folder of the host unless given' },
      containers: { type: 'array', items: { type: 'string' }, description: 'the containers that the workload may use; all unless given' },
      maxObjectBytes: {
        type: 'integer',
        minimum: 0,
        default: DEFAULT_BLOB_LIMITS.maxObjectBytes,
        description: 'bytes that an object may have',
      },
      maxMemoryBytes: {
        type: 'integer',
        minimum: 0,
        default: DEFAULT_BLOB_LIMITS.maxMemoryBytes,
        description: 'bytes that a store in memory may hold',
      },
    },
    additionalProperties: false,
  },

  start: ({ hostId, dataFolder }) => ({ stores: new SharedStores<BlobStore>(), hostId, dataFolder }),

  async bind({ stores, hostId, dataFolder }, { workload, config, interfaces, maxHostBytes }) {
    const other = [...config.keys()].find((label) => label !== LABEL);
    if (other !== undefined) refuse(`blobstore has one store, and "${other}" would be another`, `configure it as "${LABEL}"`);
    const mine = config.get(LABEL);
    if (mine === undefined) return interfaces.length === 0 ? { definitions: {} } : refuseUnconfigured('blobstore', packageOf(interfaces));
    const path = mine.store === undefined ? ['workloads', workload.name] : ['shared', mine.store];
    const { maxObjectBytes, maxMemoryBytes, containers } = mine;
    const limits = { maxObjectBytes, maxMemoryBytes };
    let key: string;
    let open: () => BlobStore | Promise<BlobStore>;
    if (mine.backend === 'memory') {
      if (mine.folder !== undefined) refuse('blobstore has a folder and the backend "memory"', 'set backend: files');
      key = [hostId, 'blobstore', workload.namespace, ...path].map(encodeURIComponent).join('/');
      open = () => new MemoryBlobs({ name: key, limits });
    } else {
      const folder = mine.folder ?? (dataFolder && join(dataFolder, ...[workload.namespace, ...path].map(fileName)));
      if (folder === undefined) return refuseFolder('blobstore', LABEL);
      key = folder;
      open = () => FileBlobs.open({ folder, limits });
    }
    const { store, giveBack } = await stores.take(JSON.stringify([key, limits]), open);
    const mayUse = (container: string): void => {
      if (containers === undefined || containers.includes(container)) return;
      throw new BlobError('access-denied', `the workload may not use the container "${container}"`);
    };
    const options = { store, streams: STREAMS, maxSyncBytes: maxHostBytes, mayUse };
    return { definitions: Object.assign({}, ...FACES.map((face) => face(options))), unbind: giveBack };
  },

  stop: ({ stores }) => stores.close(),
});
