/** First pass: the graph of a model's layers, from its outputs back to its inputs. */
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';

/** One use of a layer. */
export interface Node {
  readonly layer: Layer;
  readonly inputs: readonly Node[];
  /** Of the output, without the batch. */
  readonly shape: readonly number[];
}

/** A model that cannot be compiled, and why. */
export class Uncompilable extends Error {
  constructor(
    /** The layer, loss, metric or optimizer that stands in the way. */
    readonly what: string,
    readonly reason: string,
  ) {
    super(`${what}: ${reason}`);
  }
}

export interface Graph {
  /** Each after those that it takes its inputs from. */
  readonly nodes: readonly Node[];
  readonly inputs: readonly Node[];
  readonly outputs: readonly Node[];
}

/**
 * The nodes of a model.
 * @throws Uncompilable for layers with several outputs and shapes that are only known with the data
 */
export function trace(model: LayersModel): Graph {
  const nodes: Node[] = [];
  const known = new Map<SymbolicTensor, Node>();

  const nodeOf = (tensor: SymbolicTensor): Node => {
    const seen = known.get(tensor);
    if (seen) return seen;
    const layer = tensor.sourceLayer;
    const from = layer.inboundNodes[tensor.nodeIndex];
    if (from === undefined || from.outputTensors.length !== 1) {
      throw new Uncompilable(nameOf(layer), 'it has several outputs');
    }
    const isInput = from.inputTensors[0] === tensor || from.inboundLayers.length === 0;
    const inputs = isInput ? [] : from.inputTensors.map(nodeOf);
    const shape = tensor.shape.slice(1);
    if (shape.some((length) => length == null)) {
      throw new Uncompilable(nameOf(layer), `its output's shape [${tensor.shape}] depends on the data`);
    }
    const node = { layer, inputs, shape: shape as number[] };
    known.set(tensor, node);
    nodes.push(node);
    return node;
  };

  const outputs = model.outputs.map(nodeOf);
  const inputs = model.inputs.map((tensor) => {
    const node = known.get(tensor);
    if (node === undefined)
      throw new Uncompilable(nameOf(tensor.sourceLayer), 'no output depends on this input');
    return node;
  });
  return { nodes, inputs, outputs };
}

/** How messages name a layer. */
export function nameOf(layer: Layer): string {
  return `layer ${layer.name} (${layer.getClassName()})`;
}
