/** Second pass: layers become steps; an activation or pooling goes into the step before it where one op does both. */
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { ruleOf } from './layers';
import { fusedActivation } from './layers/activation';
import { fusesPool } from './layers/conv2d';
import type { LayerRule } from './layers/rule';
import type { Graph, Node } from './trace';

/** One or several layers that run together. */
export interface Step {
  readonly layers: readonly Layer[];
  /** Undefined for an input. */
  readonly rule: LayerRule | undefined;
  readonly inputs: readonly Step[];
  /** Of the output, without the batch. */
  readonly shape: readonly number[];
  /** What the step ends with; 'linear' if it is nothing. */
  readonly activation: string;
  /** Whether max-pooling is part of it. */
  readonly pool: boolean;
  /** For an output after a layer's first: which one. Its one input is the step of the first, which computes it. */
  readonly output?: number;
}

export interface Steps {
  readonly steps: readonly Step[];
  readonly inputs: readonly Step[];
  readonly outputs: readonly Step[];
  /** Whether models are among the layers. */
  readonly nested: boolean;
}

/** What a node and the step before it make together, if they can be one. */
function fused(node: Node, rule: LayerRule, before: Step): Step | undefined {
  if (before.rule === undefined || before.rule.reshapes) return undefined;
  const layers = [...before.layers, node.layer];
  const { shape } = node;
  const [conv] = before.layers;
  if (node.layer.getClassName() === 'MaxPooling2D') {
    if (before.pool || !fusesPool(conv as Layer, before.activation, node.layer)) return undefined;
    return { ...before, layers, shape, pool: true };
  }
  const activation = isActivation(node.layer) ? rule.activation?.(node.layer) : undefined;
  if (activation === undefined || before.activation !== 'linear' || before.rule.activation === undefined)
    return undefined;
  // Behind the maximum only what the op of both applies there; the order makes no difference, as it is monotone.
  if (before.pool && fusedActivation(activation) === undefined) return undefined;
  return { ...before, layers, shape, activation };
}

function isActivation(layer: Layer): boolean {
  return ['Activation', 'ELU', 'ReLU', 'Softmax'].includes(layer.getClassName());
}

/**
 * The steps of a graph.
 * @throws Uncompilable for layers without a compiled form
 */
export function fuse({ nodes, inputs, outputs, nested }: Graph): Steps {
  const uses = new Map<Node, number>();
  for (const node of [...nodes.flatMap((each) => each.inputs), ...outputs]) {
    uses.set(node, (uses.get(node) ?? 0) + 1);
  }
  const stepOf = new Map<Node, Step>();
  const steps = new Set<Step>();
  for (const node of nodes) {
    const isInput = node.inputs.length === 0;
    const rule = isInput || node.output !== undefined ? undefined : ruleOf(node.layer);
    const from = node.inputs.map((input) => stepOf.get(input) as Step);
    const [before] = from;
    const alone = node.inputs.length === 1 && uses.get(node.inputs[0] as Node) === 1;
    let step = rule && before && alone ? fused(node, rule, before) : undefined;
    if (step) steps.delete(before as Step);
    else {
      const activation = rule?.activation?.(node.layer) ?? 'linear';
      const { output } = node;
      step = {
        layers: [node.layer],
        rule,
        inputs: from,
        shape: node.shape,
        activation,
        pool: false,
        ...(output === undefined ? {} : { output }),
      };
    }
    steps.add(step);
    stepOf.set(node, step);
  }
  const list = (of: readonly Node[]): Step[] => of.map((node) => stepOf.get(node) as Step);
  return { steps: [...steps], inputs: list(inputs), outputs: list(outputs), nested };
}
