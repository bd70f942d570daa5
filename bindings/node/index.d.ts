// The types of the package `libweave`. Times and limits are in milliseconds unless they say otherwise.

/** Something failed or was refused. The message says what happened, to which field or file, and what to do about it. */
export class WeaveError extends Error {
  /** The number of the C interface's `weave_status`. */
  readonly status: number;
  /** Its name, such as `WEAVE_INVALID_JSON`. */
  readonly code: string;
  /** What a sync had done before it failed. */
  readonly results?: Results;
}

/** Settings that sessions and syncs share. What is not given comes from the environment, else from the defaults. */
export interface ServerSettings {
  /** The key; else WANDB_API_KEY or the netrc file. */
  apiKey?: string;
  baseUrl?: string;
  traceServerUrl?: string;
  /** A PEM file of the only certificate authorities to trust. */
  caFile?: string;
  httpTimeout?: number;
  /** Trust any certificate; for tests. */
  insecure?: boolean;
  entity?: string;
  /** The age at which a call that has not ended is sent as one that runs. */
  openCallAge?: number;
  /** Close, as failed, calls that a program that is gone has left open. */
  closeInterrupted?: boolean;
  /** Bytes a second. */
  maxSyncRate?: number | bigint;
  /** Requests that may be under way at once, 1 to 16. */
  syncConnections?: number;
}

export interface Settings extends ServerSettings {
  /** Never touch the network. */
  offline?: boolean;
  /** Do nothing: functions succeed, and nothing is kept. */
  disabled?: boolean;
  /** Where records are stored; default `~/.weave/offline`. */
  offlineDir?: string;
  /** Bytes after which another data file is begun. */
  maxFileSize?: number | bigint;
  /** Seconds after which another data file is begun. */
  maxFileAge?: number;
  compress?: boolean;
  /** 1 (fast) to 12 (small). */
  compressionLevel?: number;
  /** Loss of power costs at most what was accepted in this time. */
  durabilityInterval?: number;
  journal?: 'auto' | 'write';
  journalSize?: number | bigint;
  /** What logging does when the journal is full: wait for room, or throw at once. */
  whenFull?: 'block' | 'refuse';
  blockLimit?: number;
  maxDirectorySize?: number | bigint;
  quotaPolicy?: 'refuse' | 'drop-oldest';
  /** Let the group read and write the files. */
  groupAccess?: boolean;
  /** Not offline: how long what was logged may wait before it is sent. */
  sendInterval?: number;
  /** What logs, in attributes.weave.source; default `libweave-node`. */
  source?: string;
  /** Attributes of every call. */
  attributes?: object;
  /** The share of traces that is kept, 0 to 1. */
  sampleRate?: number;
  /** Further keys of inputs whose values become "REDACTED". */
  redactKeys?: Iterable<string>;
  /**
   * Sees each record before it is kept: what it returns is kept; null, undefined or false drops the record, and so does
   * an exception. It runs while the function that logs waits. Whole numbers that a double does not hold are BigInts.
   */
  filter?: (type: string, data: any) => object | null | undefined | false;
}

/** A time: a Date, or milliseconds since 1970. */
export type Time = Date | number;

/** A failure: an error, what is known of one, or any other value that was thrown. */
export type Failure = Error | { type?: string; message: string; traceback?: string } | unknown;

/** Tokens and their like, under the names that servers know: `{ prompt_tokens: 1, completion_tokens: 2 }`. */
export type Usage = object;

/** What a call may be given. */
export interface CallOptions {
  /** The call that makes this one; null for none. By default the one that runs. */
  parent?: Call | null;
  /** The same, when it lives elsewhere: what `call.context` was there. */
  parentContext?: string;
  displayName?: string;
  /** "llm", "tool", "agent", "scorer", …: the icon. */
  kind?: string;
  attributes?: object;
  /** The conversation; "" for none. */
  threadId?: string;
  turnId?: string;
  /** For calls of the past. */
  id?: string;
  traceId?: string;
  parentId?: string;
  startedAt?: Time;
  endedAt?: Time;
  summary?: object;
  /** Usage by model. */
  usage?: Record<string, Usage>;
  /** The run of W&B that the call belongs to: "entity/project/run", and its steps at the call's begin and end. */
  wbRun?: { id: string; step?: number; stepEnd?: number };
}

/** A finished call for `logCalls`. */
export interface FinishedCall {
  opName: string;
  id?: string;
  traceId?: string;
  parentId?: string;
  displayName?: string;
  threadId?: string;
  turnId?: string;
  kind?: string;
  /** A Date, an ISO text, or microseconds since 1970. */
  startedAt?: Date | string | number;
  endedAt?: Date | string | number;
  attributes?: object;
  inputs?: object;
  output?: unknown;
  exception?: string;
  summary?: object;
  otelDump?: object;
  wbRunId?: string;
  wbRunStep?: number;
  wbRunStepEnd?: number;
}

/** A call that was begun. It may be ended later, or never, and be a parent before and after that. */
export class Call {
  private constructor();
  readonly client: Client;
  readonly op: string;
  readonly id: string;
  readonly traceId: string;
  /** The call as one line of text, to carry a parent to another process or machine (`parentContext`). */
  readonly context: string;
  /** The reference of the call, for feedback and values. */
  readonly ref: string;
  readonly hasEnded: boolean;
  /** Runs a function, and all that it begins and awaits, with this call as the parent of calls inside. */
  run<T>(action: () => T): T;
  /** Ends the call. When this throws, the call stays open. */
  end(output?: unknown, options?: { endedAt?: Time }): void;
  /** Says what failed, and ends the call. */
  fail(error: Failure, output?: unknown): void;
  /** Says what failed; the call is still to be ended. */
  setException(error: Failure): void;
  /** Merges an object into the summary. Usage and status are added at the end; computed values win. */
  setSummary(summary: object): void;
  /** Adds usage; of prompt and completion tokens alone the total is made. It counts instead of what the output names. */
  addUsage(model: string, usage: Usage): void;
  /** Gives the call another name to show, also after its end. */
  setDisplayName(name: string): void;
}

/** What an op may be given. */
export interface OpOptions<F extends (...args: any[]) => any> {
  /** By default the function's. */
  name?: string;
  /** The inputs of a call. By default the members of an object that is the only argument, else `arg0`, `arg1`, …. */
  inputs?: (...args: Parameters<F>) => object;
  /** What is recorded of what the function returns or resolves to; of a generator, of the list of what it yields. */
  output?: (value: any) => unknown;
  kind?: string;
  displayName?: string;
  attributes?: object;
}

/** A session for one project. Its strings that name what was published are references, to be put into values. */
export class Client {
  /** Not offline, this waits for the server, for 3 seconds at most. */
  constructor(project: string, settings?: Settings);
  /** "entity/project" as recorded. */
  readonly project: string;
  /** Where records are stored; empty when disabled. */
  readonly offlineDir: string;
  readonly disabled: boolean;

  /** The function that logs each of its calls to this session. Calls inside become children. */
  op<F extends (...args: any[]) => any>(name: string, fn: F, options?: Omit<OpOptions<F>, 'name'>): F;
  /** Begins a call of an op: a name, or what `publishOp` answered. */
  startCall(op: string, inputs?: object, options?: Omit<CallOptions, 'endedAt'>): Call;
  /** Logs a finished call in one go; its id. */
  logCall(op: string, inputs?: object, output?: unknown, options?: CallOptions & { exception?: Failure }): string;
  /** Logs many finished calls; how many. All are checked before any is kept. */
  logCalls(calls: Iterable<FinishedCall> | RawJson): number;
  /** Gives a call another name to show, by its id. */
  updateCall(id: string, change: { displayName: string }): void;

  /** Publishes an op by its source text. */
  publishOp(name: string, source: string): string;
  /** Publishes a version of an object: any value under a name. */
  publishObject(name: string, value: unknown): string;
  publishTable(rows: object): string;
  publishDataset(name: string, rows: object, options?: { description?: string }): string;
  /** The reference of a row of a published dataset, to be used in the inputs of calls. */
  rowRef(dataset: string, row: object): string;
  /** Stores bytes; the digest by which values name them. */
  storeFile(name: string, data: Bytes): string;
  /** Stores an image; the value that stands for it in inputs, outputs, objects and rows. */
  storeImage(format: 'png' | 'jpg' | 'webp', data: Bytes): object;
  storeAudio(format: 'wav' | 'mp3', data: Bytes): object;
  storeContent(filename: string, mimetype: string, data: Bytes): object;

  /** Adds exactly one emoji to a call or an object; the feedback's id. */
  addReaction(target: Call | string, emoji: string): string;
  /** Adds a note of 1 to 1024 characters. */
  addNote(target: Call | string, note: string): string;
  /** Adds feedback of any type. */
  addFeedback(target: Call | string, type: string, payload: object, options?: {
    creator?: string; annotationRef?: string; runnableRef?: string; callRef?: string;
  }): string;
  /** Sets the prices of a model for one token each. */
  addCost(model: string, promptTokenCost: number, completionTokenCost: number, options?: {
    effectiveDate?: Date | string; providerId?: string; promptTokenCostUnit?: string; completionTokenCostUnit?: string;
    cacheReadInputTokenCost?: number; cacheCreationInputTokenCost?: number;
  }): void;

  /** What became of the records that this process logged into the directory. */
  stats(): Stats;
  /** Brings everything to the disk for good, and when not offline to the server. */
  flush(options?: { timeout?: number }): Promise<void>;
  /** The same, while the event loop stands still. */
  flushSync(options?: { timeout?: number }): void;
  /** Flushes and closes. Later use throws `WEAVE_CLOSED`; to finish again does nothing. */
  finish(options?: { timeout?: number }): Promise<void>;
  finishSync(options?: { timeout?: number }): void;
}

export type Bytes = ArrayBufferView | ArrayBuffer | SharedArrayBuffer;

export interface Stats {
  accepted: number;
  packed: number;
  waiting: number;
  waiting_bytes: number;
  refused: number;
  blocked: number;
  dropped: number;
  filtered: number;
  failures: number;
  last_error: string | null;
  journal: { kind: 'mapped' | 'write'; bytes: number };
}

/** JSON that is text already. */
export interface RawJson {
  readonly text: string;
}

/** Puts JSON that is text already into a value, at any depth, or in place of one. */
export function rawJson(text: string): RawJson;

/** Opens the session that ops log to. One that is open goes on for those that hold it. */
export function init(project: string, settings?: Settings): Client;
/** The session that `init` opened. */
export function currentClient(): Client | undefined;
/**
 * The function that logs each of its calls to the session that is open then: plain, async, or a generator of either
 * kind. Calls inside become children. Without a session it runs as it is.
 */
export function op<F extends (...args: any[]) => any>(fn: F, options?: OpOptions<F>): F;
/** Brings everything to the disk, when not offline also to the server, and closes the session. */
export function finish(options?: { timeout?: number }): Promise<void>;
/** Brings everything to the disk for good, when not offline also to the server. */
export function flush(options?: { timeout?: number }): Promise<void>;

/** The call of the op that runs here; undefined outside of any. */
export function currentCall(): Call | undefined;
/** Gives attributes to every call that begins inside. Nested ones are merged, the inner winning. */
export function withAttributes<T>(attributes: object, action: () => T): T;
/** Puts every call that begins inside into a conversation; null: into none. */
export function withThread<T>(threadId: string | null, action: () => T): T;

/** By "entity/project" as recorded, and by kind ("calls", "objects", …): how many were synced, and how many not. */
export type Results = Record<string, Record<string, [synced: number, errors: number]>>;

export interface SyncSettings extends ServerSettings {
  offlineDir?: string;
  /** One project, "entity/project" as recorded, or its last part; without it all. */
  project?: string;
  /** Where the one project goes that is sent. */
  destination?: string;
  /** Where projects go, by their recorded names. */
  destinations?: Record<string, string>;
  maxSyncTime?: number;
  maxSyncBytes?: number | bigint;
  /** How long to wait for another sync of the directory. */
  syncWait?: number;
  /** Is told how it goes on; false stops it, and so does an exception, with which it is rejected. */
  onProgress?: (progress: { project: string; kind: string; synced: number; errors: number }) => unknown;
  /** Ends it within some tenths of a second. Nothing is lost. */
  signal?: AbortSignal;
}

/** Sends what is stored to the server. Rejects, with what was done in `results`, unless everything was taken. */
export function sync(settings?: SyncSettings): Promise<Results>;
/**
 * Asks the server for everything that the receipts of past syncs say it has: how many were found, and how many asked
 * for. Rejects when something is missing. With `putBack`, that is sent by the next sync.
 */
export function verify(settings?: SyncSettings & { putBack?: boolean }): Promise<Results>;

export interface Which {
  offlineDir?: string;
  project?: string;
  /** As in the results of a sync: "calls", "feedback", …. */
  kind?: string;
}

export interface Rejected {
  project: string;
  kind: string;
  id: string;
  status: number;
  reason: string;
  at: string;
  server: string;
  to: string;
  place?: string;
  places?: string[];
}

export interface DirectoryStats {
  bytes: number;
  projects: Record<string, Record<string, {
    pending_files: number; pending_bytes: number; synced_files: number; synced_bytes: number;
  }>>;
}

/** What lies in an offline directory. */
export function directoryStats(which?: { offlineDir?: string }): Promise<DirectoryStats>;
/** Deletes data files that were sent so many days ago (7), and file bytes that nothing pending needs; how many. */
export function cleanSyncedFiles(which?: { offlineDir?: string; olderThanDays?: number }): Promise<number>;
/** What `cleanSyncedFiles` would delete now. */
export function cleanPreview(which?: { offlineDir?: string; olderThanDays?: number }): Promise<{
  files: { path: string; bytes: number }[]; bytes: number;
}>;
/** The records that a server rejected, with its reasons. They are not sent again by themselves. */
export function listRejected(which?: Which): Promise<Rejected[]>;
/** Puts them back to those that wait for the next sync; how many. */
export function retryRejected(which?: Which): Promise<number>;
/** Writes them to a file that must not exist yet, one JSON object a line; how many. */
export function exportRejected(which: Which & { toFile: string }): Promise<number>;
/** Gives them up for good; how many. */
export function dropRejected(which?: Which): Promise<number>;

/** The version of the library that is loaded. */
export function version(): string;
