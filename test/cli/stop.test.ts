/** Requests to stop that reach a process while it cannot look. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const stop = join(import.meta.dirname, '../../dist/cli/stop.js');

/** After the first signal a long step keeps the event loop busy; prints the reason of the abort after it. */
const script = `
  const signal = require(${JSON.stringify(stop)}).stopOnRequest(() => {
    require('fs').writeSync(1, 'first ');
    setImmediate(() => {
      for (const end = Date.now() + 1500; Date.now() < end; );
      setTimeout(() => { console.log(signal.reason); process.exit(0); }, 200);
    });
  });
  setInterval(() => {}, 1000);
  console.log('ready');`;

test('a Ctrl-C that a launcher passes on during a long step is no second one', async () => {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output === 'ready\n') child.kill('SIGINT');
    if (output === 'ready\nfirst ') child.kill('SIGTERM');
  });
  const [code] = await new Promise<unknown[]>((done) => child.on('close', (...exit) => done(exit)));
  expect({ code, output }).toEqual({ code: 0, output: 'ready\nfirst 130\n' });
});
