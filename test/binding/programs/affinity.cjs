// Wakes more threads than most machines have CPUs, again and again; prints each thread's CPUs before and after.
const { readdirSync, readFileSync } = require('node:fs');
const tf = require('tfjs-native');

const allowed = () =>
  readdirSync('/proc/self/task').map(
    (task) => /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync(`/proc/self/task/${task}/status`, 'utf8'))[1],
  );

(async () => {
  const before = allowed();
  tf.setThreads(4);
  const x = tf.ones([1024, 1024]);
  for (let i = 0; i < 50; i++) {
    for (let k = 0; k < 5; k++) tf.relu(x).dispose();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  // A thread that was woken last may not have run yet, and is kept off a CPU until it does.
  await new Promise((resolve) => setTimeout(resolve, 300));
  console.log(JSON.stringify({ before, after: allowed() }));
})();
