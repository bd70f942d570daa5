// The offline directory: sending it, and looking after it. All of these wait for the disk or a server, and are awaited.
'use strict';

const { library, text } = require('./native.js');
const { WeaveError, CANCELLED } = require('./errors.js');
const { checkNames, makeOptions, number } = require('./settings.js');
const blocking = require('./blocking.js');
const exit = require('./exit.js');

const WHICH = ['offlineDir', 'project', 'kind'];

/**
 * Sends what is stored to the server; rejects with what was done in `results`, unless everything was taken.
 *
 * @param {import('../index').SyncSettings} settings
 */
function sync(settings = {}) {
  return talk('weave_sync', [], settings);
}

/**
 * Asks the server for everything that the receipts of past syncs say it has; rejects when something is missing.
 *
 * @param {import('../index').SyncSettings & { putBack?: boolean }} settings
 */
function verify({ putBack = false, ...settings } = {}) {
  return talk('weave_verify', [putBack], settings);
}

/**
 * Calls what talks to a server, and can be stopped.
 *
 * @param {string} name
 * @param {unknown[]} more the arguments behind the options
 * @param {import('../index').SyncSettings} settings
 */
async function talk(name, more, { offlineDir, project, apiKey, onProgress, signal, ...settings }) {
  const where = [text(offlineDir, 'offlineDir'), text(project, 'project'), text(apiKey, 'apiKey')];
  const stop = new Stop(signal);
  let options = null;
  try {
    options = makeOptions(settings, { stop: stop.handle });
    const told = await blocking.call(name, [...where, options, ...more], {
      options, onProgress: onProgress && ((progress) => stop.unless(() => onProgress(progress) !== false)),
    });
    if (stop.failure) throw stop.failure.error;
    const results = told.answer === null ? undefined : JSON.parse(told.answer);
    if (told.status === 0) return results;
    const cause = told.status === CANCELLED && signal?.aborted ? signal.reason : undefined;
    throw new WeaveError(told.message, told.status, { results, cause });
  } finally {
    library().weave_options_free(options);
    stop.free();
  }
}

/** What ends a sync: the program's signal, what is told how it goes on, and the end of the program. */
class Stop {
  /** What the program's own code threw. */
  failure;
  #signal;
  #remove;

  constructor(signal) {
    this.handle = library().weave_stop_new();
    this.#signal = signal;
    this.#remove = exit.addStop(this.handle);
    signal?.addEventListener('abort', this.ask);
    if (signal?.aborted) this.ask();
  }

  ask = () => {
    library().weave_stop_ask(this.handle);
  };

  /** Asks to stop unless the program says, without failing, that it is to go on. */
  unless(goesOn) {
    try {
      if (!goesOn()) this.ask();
    } catch (error) {
      this.failure ??= { error };
      this.ask();
    }
  }

  free() {
    this.#signal?.removeEventListener('abort', this.ask);
    this.#remove();
    library().weave_stop_free(this.handle);
  }
}

/** What lies in an offline directory: sizes and counts, in all and of each project and kind. */
async function directoryStats(which = {}) {
  checkNames(which, ['offlineDir']);
  return JSON.parse(await blocking.answered('weave_directory_stats', text(which.offlineDir, 'offlineDir')));
}

/** Deletes data files that were sent so many days ago, and file bytes that nothing pending needs; how many files. */
async function cleanSyncedFiles(which = {}) {
  return blocking.answered('weave_clean_synced_files', ...age(which));
}

/** What `cleanSyncedFiles` would delete now. */
async function cleanPreview(which = {}) {
  return JSON.parse(await blocking.answered('weave_clean_preview', ...age(which)));
}

/** The records that a server rejected, with its reasons: of one project and one kind, or of all. */
async function listRejected(which = {}) {
  return JSON.parse(await blocking.answered('weave_rejected_list', ...rejected(which)));
}

/** Puts rejected records back to those that wait for the next sync; how many. */
async function retryRejected(which = {}) {
  return blocking.answered('weave_rejected_retry', ...rejected(which));
}

/** Writes rejected records to a file that must not exist yet, one JSON object a line; how many. */
async function exportRejected({ toFile, ...which }) {
  return blocking.answered('weave_rejected_export', ...rejected(which), text(toFile, 'toFile'));
}

/** Gives rejected records up for good; how many. */
async function dropRejected(which = {}) {
  return blocking.answered('weave_rejected_drop', ...rejected(which));
}

function rejected(which) {
  checkNames(which, WHICH);
  return WHICH.map((name) => text(which[name], name));
}

function age(which) {
  checkNames(which, ['offlineDir', 'olderThanDays']);
  return [text(which.offlineDir, 'offlineDir'), ...number(which.olderThanDays ?? 7, 'olderThanDays')];
}

module.exports = {
  sync, verify, directoryStats, cleanSyncedFiles, cleanPreview, listRejected, retryRejected, exportRejected,
  dropRejected,
};
