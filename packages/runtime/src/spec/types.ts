/** The types of `tenon.yaml`, and of workloads in TypeScript. Made from `tenon.schema.json` by `npm run schema`. */

/**
 * A component: the path of its file, or the file and what only this component gets.
 */
export type Component =
  | string
  | {
      /**
       * Path of the file, from the folder of this file, or a reference (`oci://…`).
       */
      readonly from: string;
      /**
       * `sha256:` and 64 hexadecimal digits; other bytes are refused.
       */
      readonly digest?: string;
    };

/**
 * What one file describes: workloads that belong together, and what they share.
 */
export interface Manifest {
  /**
   * The address of this schema, for editors.
   */
  readonly $schema?: string;
  /**
   * The name of the application: small letters, digits and hyphens. The name of the file's folder unless given.
   */
  readonly name?: string;
  /**
   * Names of workloads, and stores that they share, are unique in a namespace.
   */
  readonly namespace?: string;
  /**
   * Where HTTP is listened to, by name; triggers that name none use `default`, which is 127.0.0.1:8080 unless given.
   */
  readonly listeners?: {
    readonly [k: string]: Listener;
  };
  /**
   * Plugins beside those that are built in, by their name.
   */
  readonly plugins?: {
    readonly [k: string]: PluginReference;
  };
  /**
   * The workloads, by their name.
   */
  readonly workloads: {
    readonly [k: string]: Workload;
  };
}
/**
 * An address that HTTP is listened to at.
 */
export interface Listener {
  /**
   * The address or name to listen at.
   */
  readonly host?: string;
  /**
   * The port; 0 takes a free one.
   */
  readonly port?: number;
  /**
   * Serves HTTPS, including HTTP/2, with this certificate. When the files change they are loaded again.
   */
  readonly tls?: {
    /**
     * Path of the certificate in PEM form, followed by those of the authorities between it and the root.
     */
    readonly cert: string;
    /**
     * Path of the private key in PEM form.
     */
    readonly key: string;
  };
}
/**
 * Where a plugin is, and its options.
 */
export interface PluginReference {
  /**
   * The npm package, or the path of a file, whose export `plugin` it is.
   */
  readonly from: string;
  /**
   * What the plugin's own schema says.
   */
  readonly options?: {
    readonly [k: string]: unknown;
  };
}
/**
 * A unit that runs, scales and is replaced as one: components that are linked with each other, what they are granted, and what calls them.
 */
export interface Workload {
  readonly component?: Component;
  /**
   * Several components, by name. One that imports what another exports is linked to it; `main`, or the one that no other imports from, is what triggers call.
   */
  readonly components?: {
    readonly [k: string]: Component;
  };
  /**
   * What plugins are configured with, by interface (`wasi:keyvalue`) and label. An interface without labels has the one label `default`.
   */
  readonly interfaces?: {
    /**
     * Configuration by label, as the plugin's schema says.
     */
    readonly [k: string]: {
      readonly [k: string]: { readonly [key: string]: unknown };
    };
  };
  /**
   * Interfaces that other workloads export and this one imports, by name.
   */
  readonly links?: {
    readonly [k: string]: Link;
  };
  /**
   * Environment variables.
   */
  readonly environment?: {
    readonly [k: string]: string;
  };
  /**
   * Arguments after the program's name.
   */
  readonly arguments?: readonly string[];
  /**
   * Directories of the host that the workload may use.
   *
   * Items: A directory.
   */
  readonly directories?: {
    /**
     * Its path, from the folder of this file.
     */
    readonly host: string;
    /**
     * Its path as the guest sees it.
     */
    readonly guest: string;
    /**
     * Whether it can be read only.
     */
    readonly readOnly?: boolean;
  }[];
  /**
   * Where requests may be sent. Nowhere unless given.
   */
  readonly http?: {
    /**
     * `example.com`, `*.example.com:443`, `10.0.0.0/8:8080`, `localhost`; `*` is every public address.
     */
    readonly allow?: readonly string[];
    /**
     * Path of certificates in PEM form, of authorities that are trusted beside those that Node knows.
     */
    readonly ca?: string;
  };
  /**
   * Where TCP and UDP may go and listen. Nowhere unless given.
   */
  readonly sockets?: {
    /**
     * Where TCP connections may go.
     */
    readonly connect?: readonly string[];
    /**
     * Where TCP connections may be accepted.
     */
    readonly listen?: readonly string[];
    /**
     * Where datagrams may go.
     */
    readonly send?: readonly string[];
    /**
     * Where datagrams may be received.
     */
    readonly receive?: readonly string[];
  };
  readonly limits?: Limits;
  /**
   * What a request finds: an instance that was put back to how it was when new (`reset`), one that keeps what earlier requests left (`keep`), or a new one (`fresh`).
   */
  readonly reuse?: 'reset' | 'keep' | 'fresh';
  /**
   * What calls the workload. Plugins bring more kinds.
   */
  readonly triggers?: {
    /**
     * Requests.
     */
    readonly http?: readonly HttpRoute[];
    /**
     * Points in time.
     */
    readonly cron?: readonly CronTrigger[];
    readonly service?: ServiceTrigger;
    /**
     * Messages of a broker.
     */
    readonly messages?: readonly { readonly [key: string]: unknown }[];
    readonly [k: string]: unknown;
  };
  readonly health?: HealthCheck;
  /**
   * What follows when the workload fails.
   */
  readonly restart?: 'always' | 'on-failure' | 'never';
}
/**
 * A workload that exports the interface.
 */
export interface Link {
  /**
   * Its name; `namespace/name` for one of another namespace.
   */
  readonly workload: string;
}
/**
 * What the workload may take. All have defaults that hold off a hostile guest.
 */
export interface Limits {
  /**
   * How long a caller waits for the guest, in milliseconds.
   */
  readonly requestTimeoutMs?: number;
  /**
   * How long the first instance may take to come up, in milliseconds.
   */
  readonly startTimeoutMs?: number;
  /**
   * How long a stop waits for requests under way, in milliseconds.
   */
  readonly drainTimeoutMs?: number;
  /**
   * Instances in each cell, and so requests at the same time.
   */
  readonly maxInstances?: number;
  /**
   * Bytes that each linear memory of an instance may grow to.
   */
  readonly maxMemoryBytes?: number;
  /**
   * Handles that each part of an instance may hold.
   */
  readonly maxHandles?: number;
  /**
   * Files and directories that the guests of a cell may have open together.
   */
  readonly maxOpenFiles?: number;
  /**
   * Sockets that the guests of a cell may have open together.
   */
  readonly maxSockets?: number;
  /**
   * HTTP requests that the guests of a cell may have under way together.
   */
  readonly maxOutgoingRequests?: number;
  /**
   * Requests in each cell that wait for an instance before clients get 503.
   */
  readonly maxQueue?: number;
  /**
   * Requests that one instance of a WASI 0.3 service serves at the same time.
   */
  readonly maxConcurrency?: number;
  /**
   * Requests that one instance serves before a fresh one takes its place.
   */
  readonly maxRequestsPerInstance?: number;
}
/**
 * Requests that the workload answers. The most specific route wins; two that are alike are an error.
 */
export interface HttpRoute {
  /**
   * The listener.
   */
  readonly listener?: string;
  /**
   * The host that is asked for: `shop.example.com`, `*.example.com`; any unless given.
   */
  readonly host?: string;
  /**
   * `/exact`, `/prefix/*`, and parameters as in `/users/:id/*`; any unless given.
   */
  readonly path?: string;
  /**
   * The methods; any unless given.
   *
   * @minItems 1
   */
  readonly methods?: [string, ...string[]];
}
/**
 * Points in time at which an export is called.
 */
export interface CronTrigger {
  /**
   * Five fields (minute hour day month weekday), six with seconds first, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
   */
  readonly schedule: string;
  /**
   * The IANA name of the time zone.
   */
  readonly timezone?: string;
  /**
   * The function that is called, without parameters: `example:jobs/nightly#run`, or `wasi:cli/run#run`.
   */
  readonly export?: string;
  /**
   * Whether a run may begin while the one before is under way; otherwise it is left out.
   */
  readonly overlap?: boolean;
  /**
   * Whether a run that was missed while the host was down takes place when it is back, once.
   */
  readonly catchUp?: boolean;
  /**
   * How long a run may take, in milliseconds.
   */
  readonly timeoutMs?: number;
}
/**
 * The export `wasi:cli/run` is called at the start and again when it has ended.
 */
export interface ServiceTrigger {
  /**
   * When it is called again.
   */
  readonly restart?: 'always' | 'on-failure' | 'never';
  /**
   * Milliseconds before the first restart; each next one waits twice as long.
   */
  readonly backoffMs?: number;
  /**
   * The longest wait, in milliseconds.
   */
  readonly maxBackoffMs?: number;
}
/**
 * A request that tells whether the workload is well. It is sent in process.
 */
export interface HealthCheck {
  /**
   * Its path.
   */
  readonly path?: string;
  /**
   * The status that is expected.
   */
  readonly status?: number;
  /**
   * Milliseconds between two.
   */
  readonly intervalMs?: number;
  /**
   * How long an answer may take, in milliseconds.
   */
  readonly timeoutMs?: number;
  /**
   * Failures in a row after which it is not well.
   */
  readonly failures?: number;
}
/**
 * What one file describes: workloads that belong together, and what they share.
 */
export interface Application {
  /**
   * The address of this schema, for editors.
   */
  readonly $schema?: string;
  /**
   * The name of the application: small letters, digits and hyphens. The name of the file's folder unless given.
   */
  readonly name?: string;
  /**
   * Names of workloads, and stores that they share, are unique in a namespace.
   */
  readonly namespace?: string;
  /**
   * Where HTTP is listened to, by name; triggers that name none use `default`, which is 127.0.0.1:8080 unless given.
   */
  readonly listeners?: {
    readonly [k: string]: Listener;
  };
  /**
   * Plugins beside those that are built in, by their name.
   */
  readonly plugins?: {
    readonly [k: string]: PluginReference;
  };
  /**
   * The workloads, by their name.
   */
  readonly workloads: {
    readonly [k: string]: Workload;
  };
}
