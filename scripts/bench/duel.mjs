// Times contenders in turns, in one run on the same cores: noise of the machine meets both alike.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';

/** A contender in a process of its own, speaking the protocol of contender.mjs. */
export class Contender {
  constructor(command, args, env) {
    this.child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    let errors = '';
    this.child.stderr.on('data', (text) => {
      errors += text;
    });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.explain = () => `${command} ${args.join(' ')} ended early:\n${errors}`;
  }
  async answer() {
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error(this.explain());
      if (value.startsWith('{')) return JSON.parse(value);
    }
  }
  /** Sends a line and gives what the contender answers. */
  async ask(line) {
    this.child.stdin.write(`${line}\n`);
    return this.answer();
  }
}

export function summary(ms) {
  const sorted = [...ms].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { min: sorted[0], median, n: sorted.length };
}

/**
 * @param sides [{ name, command, args, env }]; the first is ours
 * @returns a figure per side, with `ratio` = its median divided by ours
 */
export async function duel(sides, { rounds, steps }) {
  const contenders = [];
  for (const side of sides) {
    const contender = new Contender(side.command, side.args, side.env);
    const { ready, info } = await contender.answer();
    contenders.push({ ...side, contender, ready, info, ms: [] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const each of contenders) {
      const { ms, delay } = await each.contender.ask(steps);
      each.ms.push(...ms);
      // How long the event loop was kept waiting, 99 times of 100.
      if (delay !== undefined) each.delay = Math.max(each.delay ?? 0, delay);
      // TensorFlow's and OpenMP's threads go on spinning for a while, which must not count for the next one.
      await setTimeout(300);
    }
  }
  for (const { contender } of contenders) contender.child.kill();
  const ours = summary(contenders[0].ms);
  return contenders.map(({ name, ready, info, ms, delay }) => {
    const figure = summary(ms);
    return {
      name,
      version: ready,
      ...(info ? { isa: info.isa } : {}),
      ...(delay === undefined ? {} : { delay }),
      ...figure,
      ratio: figure.median / ours.median,
    };
  });
}

/** One contender, alone and beside a process that keeps a core busy; `ratio` is how much slower it then is. */
export async function slowdown({ command, args, env }, { rounds, steps }) {
  const contender = new Contender(command, args, env);
  const { ready } = await contender.answer();
  const neighbour = spawn('taskset', ['-c', '0', process.execPath, '-e', 'for (;;);'], { stdio: 'ignore' });
  const ms = { alone: [], busy: [] };
  for (let round = 0; round < rounds; round++) {
    for (const [name, signal] of [
      ['alone', 'SIGSTOP'],
      ['busy', 'SIGCONT'],
    ]) {
      neighbour.kill(signal);
      await setTimeout(100);
      ms[name].push(...(await contender.ask(steps)).ms);
    }
  }
  neighbour.kill('SIGKILL');
  contender.child.kill();
  const alone = summary(ms.alone);
  return Object.entries(ms).map(([name, times]) => {
    const figure = summary(times);
    return { name, version: ready, ...figure, ratio: figure.median / alone.median };
  });
}
