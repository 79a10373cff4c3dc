/** @tenon/runtime/host: a host that people leave running, and how to speak to one. */

export { type Manifest, parseManifest, readManifest, readNames } from '../spec/manifest.ts';
export type { Application, Workload } from '../spec/types.ts';
export { type ApplicationDescription, type Applied, HostClient, type HostStatus, type LogLine, type WorkloadStatus } from './client.ts';
export { type Deployment, deploy } from './deploy.ts';
export type { Revision, RevisionSpec, WorkloadId } from './desired.ts';
export type { Condition, State, Status } from './reconciler.ts';
export { defaultDataFolder, hostSocket } from './socket.ts';
