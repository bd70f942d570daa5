// Offline tracing for W&B Weave. index.d.ts describes everything here.
'use strict';

const { Call } = require('./lib/call.js');
const { Client } = require('./lib/client.js');
const { currentCall, withAttributes, withThread } = require('./lib/context.js');
const {
  sync, verify, directoryStats, cleanSyncedFiles, cleanPreview, listRejected, retryRejected, exportRejected,
  dropRejected,
} = require('./lib/directory.js');
const { WeaveError } = require('./lib/errors.js');
const { library } = require('./lib/native.js');
const { init, currentClient, op, finish, flush } = require('./lib/session.js');
const { rawJson } = require('./lib/values.js');

/** The version of the library that is loaded. */
function version() {
  return library().weave_version();
}

// The names are found by `import` as long as they stand in one literal.
module.exports = {
  init, op, finish, flush, currentClient, currentCall, withAttributes, withThread, rawJson,
  sync, verify, directoryStats, cleanSyncedFiles, cleanPreview, listRejected, retryRejected, exportRejected,
  dropRejected, version, Client, Call, WeaveError,
};
