// The thread of blocking.js: calls one function after the other, and tells what each answered.
'use strict';

const { parentPort, workerData } = require('node:worker_threads');
const { library, useAddresses, lastError, progressCallback } = require('./native.js');

useAddresses(workerData);

// A sync calls it on this thread, so that nothing waits for the program's.
let tell = null;

parentPort.on('message', ({ name, given, options }) => {
  const c = library();
  if (options !== undefined) {
    tell ??= progressCallback(({ project, kind, synced, errors }) => {
      parentPort.postMessage({ progress: { project, kind, synced, errors } });
      return 0;
    });
    c.weave_options_set_progress(options, tell, null);
  }
  const place = [null];
  const status = c[name](...given, place);
  parentPort.postMessage({ status, message: status === 0 ? '' : lastError(status), answer: place[0] });
});
