// Works on several threads, then does nothing for a second; prints the CPU seconds of both.
const tf = require('tfjs-native');
const { trainAndDigest } = require('./work.cjs');

const seconds = ({ user, system }) => (user + system) / 1e6;

(async () => {
  tf.setThreads(4);
  await trainAndDigest(tf);
  const working = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  console.log(JSON.stringify({ working: seconds(working), idle: seconds(process.cpuUsage(working)) }));
})();
