// Trains with each number of threads and prints the digests of the weights.
const tf = require('tfjs-native');
const { trainAndDigest } = require('./work.cjs');

(async () => {
  const digests = [];
  for (const threads of [1, 2, 4]) {
    tf.setThreads(threads);
    digests.push({ threads: tf.info().threads, digest: await trainAndDigest(tf) });
  }
  console.log(JSON.stringify({ isa: tf.info().isa, digests }));
})();
