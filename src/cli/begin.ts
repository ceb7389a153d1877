/** What commands that train have in common. */
import { JsonReporter, TextReporter } from './reporter';
import { applyRuntime, type RuntimeOptions } from './runtime';
import { stopOnRequest } from './stop';

/** Sets up what computes, who tells of it and what stops it. Call before TensorFlow.js is loaded. */
export function beginTraining(options: RuntimeOptions & { readonly json?: boolean }): {
  reporter: JsonReporter | TextReporter;
  signal: AbortSignal;
} {
  applyRuntime(options);
  const reporter = options.json ? new JsonReporter() : new TextReporter();
  const signal = stopOnRequest(() =>
    reporter.notice('Stopping after this step, then saving. A second signal exits at once.'),
  );
  return { reporter, signal };
}
