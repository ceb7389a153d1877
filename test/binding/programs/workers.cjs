// usage: node workers.cjs together | terminated | only
// Works in worker_threads and prints the digest that each of them, and the main thread, came to.
const { once } = require('node:events');
const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads');
const { trainAndDigest } = require('./work.cjs');

const start = (task) => new Worker(__filename, { workerData: task });

const scenarios = {
  /** Several workers and the main thread at once; the workers end by themselves and the main thread goes on. */
  async together() {
    const tf = require('tfjs-native');
    tf.setThreads(4);
    const workers = Array.from({ length: 3 }, () => start('once'));
    const answers = workers.map(async (worker) => {
      const [[digest], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
      return code === 0 ? digest : `exit code ${code}`;
    });
    const during = await trainAndDigest(tf);
    return [during, ...(await Promise.all(answers)), await trainAndDigest(tf)];
  },

  /** Workers are stopped in the middle of a kernel. */
  async terminated() {
    const tf = require('tfjs-native');
    tf.setThreads(4);
    const digests = [];
    for (let round = 0; round < 3; round++) {
      const workers = [start('forever'), start('forever')];
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      await Promise.all(workers.map((worker) => worker.terminate()));
      digests.push(await trainAndDigest(tf));
    }
    return digests;
  },

  /** The addon is loaded, and its threads are started, by a worker that then exits; later ones load it again. */
  async only() {
    const digests = [];
    for (let round = 0; round < 3; round++) {
      const worker = start('once');
      const [[digest]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
      digests.push(digest);
    }
    return digests;
  },
};

const tasks = {
  once: async (tf) => parentPort.postMessage(await trainAndDigest(tf)),
  forever: async (tf) => {
    for (;;) parentPort.postMessage(await trainAndDigest(tf));
  },
};

if (isMainThread) scenarios[process.argv[2]]().then((digests) => console.log(JSON.stringify(digests)));
else tasks[workerData](require('tfjs-native'));
