/** Requests from outside to stop: signals, and an output that nobody reads any more. */

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** npm and other launchers pass a Ctrl-C on to a process that got it from the terminal already. */
const sameSignalMs = 300;

/**
 * Turns the first request to stop into an abort, whose reason is the exit code; a second signal ends the process at
 * once.
 * @param onSignal told of the first signal
 */
export function stopOnRequest(onSignal: () => void): AbortSignal {
  const controller = new AbortController();
  let sameSignal = false;
  for (const [name, code] of Object.entries(exitCodes)) {
    process.on(name, () => {
      if (sameSignal) return;
      if (controller.signal.aborted) process.exit(code);
      sameSignal = true;
      // The immediate comes behind signals that have been waiting while a training step kept the event loop busy.
      const end = () => setImmediate(() => (sameSignal = false)).unref();
      setTimeout(end, sameSignalMs).unref();
      controller.abort(code);
      onSignal();
    });
  }
  // Without a handler, `tfjs-native train | head` would end the process and lose the training.
  process.stdout.on('error', () => {
    process.exitCode = 1;
    controller.abort(1);
  });
  process.stderr.on('error', () => undefined);
  return controller.signal;
}
