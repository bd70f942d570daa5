// Functions of the library that wait, for the disk or a server: they run on threads of their own, and are awaited.
//
// The text of an error belongs to the thread that failed. On the pool of threads that koffi's asynchronous calls share
// with Node nobody could ask for it, and a sync would take one of four from files and names for as long as it lasts. So
// each call runs in a Worker, together with the question for its text.
'use strict';

const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { addresses } = require('./native.js');
const { WeaveError } = require('./errors.js');

/** Threads that have nothing to do. They keep nothing from ending, and serve until then. */
const idle = [];

function begin() {
  const file = path.join(__dirname, 'blocking_thread.js');
  return new Worker(file, { name: 'libweave', workerData: addresses(), execArgv: [] });
}

/**
 * Calls a function of the library whose last argument takes what it answers.
 *
 * @param {string} name
 * @param {unknown[]} given the arguments before that; what handles among them belong to must live until this is done
 * @param {{ options?: bigint, onProgress?: (told: any) => void }} [progress] the options of C among the arguments,
 * and who is told how it goes on
 * @returns {Promise<{ status: number, message: string, answer: any }>} what it answered, also beside an error
 */
function call(name, given, { options, onProgress } = {}) {
  return new Promise((resolve, reject) => {
    const worker = idle.pop() ?? begin();
    const end = () => {
      worker.off('message', hear);
      worker.off('error', fail);
      worker.off('exit', fail);
    };
    const hear = (told) => {
      if (told.progress) {
        onProgress(told.progress);
        return;
      }
      end();
      worker.unref();
      idle.push(worker);
      resolve(told);
    };
    const fail = (error) => {
      end();
      reject(error instanceof Error ? error : new Error(`${name}: its thread has ended`));
    };
    worker.on('message', hear);
    worker.on('error', fail);
    worker.on('exit', fail);
    worker.ref();
    worker.postMessage({ name, given, options: onProgress ? options : undefined });
  });
}

/** The same for what fails or answers: the answer, or the error is thrown. */
async function answered(name, ...given) {
  const { status, message, answer } = await call(name, given);
  if (status !== 0) throw new WeaveError(message, status);
  return answer;
}

module.exports = { call, answered };
