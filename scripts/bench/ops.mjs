// Compares single ops with PyTorch in both of its layouts, and with the peak measured beside each.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Contender, summary } from './duel.mjs';
import { bytes, cases, flops, title } from './ops_cases.mjs';

/** Builds and starts the measurer of the multiply-add peak and of copies' speed for an instruction set. */
async function startPeak(root, isa, threads) {
  const build = join(root, 'build-bench-pool');
  const quiet = { stdio: ['ignore', 'ignore', 'inherit'] };
  spawnSync('cmake', ['-S', root, '-B', build, '-DCMAKE_BUILD_TYPE=Release'], quiet);
  spawnSync('cmake', ['--build', build, '--target', `peak-bench-${isa}`], quiet);
  const peak = new Contender(join(build, `peak-bench-${isa}`), [threads], {});
  await peak.answer();
  return peak;
}

async function start({ command, args, env }) {
  const contender = new Contender(command, args, env);
  const { ready, info } = await contender.answer();
  return { contender, ready, info };
}

/**
 * Prints a line per case: ours, PyTorch's better layout, the ratio, GFLOP/s and the share of the peak, or where memory
 * counts GB/s and the share of what copies within as many bytes reach in the same run.
 */
export async function compareOps({ native, peer, filter, rounds, threads, json, root }) {
  const ours = await start(native);
  const peers = [await start(peer('nhwc', cases)), await start(peer('nchw', cases))];
  const peak = await startPeak(root, ours.info.isa, threads);
  for (const [index, item] of cases.entries()) {
    const name = title(item);
    if (filter && !name.includes(filter)) continue;
    const sides = [ours, ...peers];
    const ask = async (side, count) => (await side.contender.ask(JSON.stringify({ case: index, count }))).ms;
    // About 30 ms a turn; the first calls allocate and warm up.
    for (const side of sides) await ask(side, 3);
    const counts = [];
    for (const side of sides)
      counts.push(Math.max(3, Math.min(300, Math.round(30 / summary(await ask(side, 3)).median))));
    const ms = sides.map(() => []);
    const peaks = [];
    for (let round = 0; round < rounds; round++) {
      for (const [i, side] of sides.entries()) {
        ms[i].push(...(await ask(side, counts[i])));
        // OpenMP's threads go on spinning for a while, which must not count for the next one.
        await setTimeout(20);
      }
      if (flops(item)) peaks.push((await peak.ask('flops')).gflops);
      else if (bytes(item)) peaks.push((await peak.ask(`copy ${bytes(item)}`)).gigabytes);
    }
    const [own, ...others] = ms.map(summary);
    const best = others.reduce((a, b) => (a.median < b.median ? a : b));
    const rate = flops(item) ? flops(item) / own.median / 1e6 : undefined;
    const traffic = bytes(item) ? bytes(item) / own.median / 1e6 : undefined;
    const figure = {
      name,
      isa: ours.info.isa,
      threads: Number(threads),
      min: own.min,
      median: own.median,
      torchMin: best.min,
      torchMedian: best.median,
      torchLayout: others.indexOf(best) === 0 ? 'nhwc' : 'nchw',
      ratio: best.median / own.median,
      ...(rate ? { gflops: rate, peak: summary(peaks).median, share: rate / summary(peaks).median } : {}),
      ...(traffic
        ? { gigabytes: traffic, copy: summary(peaks).median, share: traffic / summary(peaks).median }
        : {}),
    };
    if (json) {
      console.log(JSON.stringify(figure));
    } else {
      const speed = rate
        ? `${rate.toFixed(0).padStart(5)} GFLOP/s ${(100 * figure.share).toFixed(0).padStart(3)}% of peak`
        : traffic
          ? `${traffic.toFixed(0).padStart(5)} GB/s ${(100 * figure.share).toFixed(0).padStart(3)}% of a copy's`
          : '';
      const times = `${own.median.toFixed(3).padStart(9)} ms, PyTorch ${best.median.toFixed(3).padStart(9)} ms (${figure.torchLayout})`;
      console.log(`${name.padEnd(52)} ${times}  ratio ${figure.ratio.toFixed(2).padStart(5)}  ${speed}`);
    }
  }
  for (const { contender } of [ours, ...peers]) contender.child.kill();
  peak.child.kill();
}
