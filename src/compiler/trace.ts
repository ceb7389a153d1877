/** First pass: the graph of a model's layers, from its outputs back to its inputs. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { LayersModel, Sequential, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';

/** One use of a layer. */
export interface Node {
  readonly layer: Layer;
  readonly inputs: readonly Node[];
  /** Of the output, without the batch. */
  readonly shape: readonly number[];
  /** For an output after a layer's first: which one. Its one input is the node of the first. */
  readonly output?: number;
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
  /** Whether models are among its layers. */
  readonly nested: boolean;
}

/** Whether a program has replaced what a layer computes, or watches it. */
export function isAltered(layer: Layer): boolean {
  const { _callHook: hook } = layer as unknown as { _callHook: unknown };
  return Object.hasOwn(layer, 'call') || hook != null;
}

/** The model that a layer is, if it is one of TensorFlow.js's own. */
function modelOf(layer: Layer): LayersModel | undefined {
  if (isAltered(layer)) return undefined;
  if (layer.constructor === Sequential) return (layer as unknown as { model: LayersModel }).model;
  return layer.constructor === LayersModel ? (layer as LayersModel) : undefined;
}

/** The shapes of a model's inputs, without the batch. */
export type InputShapes = readonly (readonly number[])[];

/** Of a model whose layers leave lengths to the data, what these give it; else undefined. */
export function openShapes(model: LayersModel, data: readonly Tensor[]): InputShapes | undefined {
  const open = model.inputs.some(({ shape }) => shape.includes(null, 1));
  return open ? model.inputs.map((_, i) => (data[i] as Tensor).shape.slice(1)) : undefined;
}

/** A length that stands for one which only the data tell, as long as there are none. */
const assumedLength = 16;

/** Shapes for a model whose layers leave lengths to the data, before there are any; else undefined. */
export function assumedShapes(model: LayersModel): InputShapes | undefined {
  const shapes = model.inputs.map(({ shape }) => shape.slice(1));
  if (!shapes.flat().includes(null)) return undefined;
  return shapes.map((shape) => shape.map((length) => length ?? assumedLength));
}

type Shapes = SymbolicTensor['shape'] | SymbolicTensor['shape'][];

/** The shape of an output of a layer, where it follows from those of the inputs. */
function shapeFrom(layer: Layer, inputs: readonly Node[], output: number): readonly (number | null)[] {
  const shapes = inputs.map(({ shape }) => [null, ...shape]);
  const made = layer.computeOutputShape(shapes.length === 1 ? (shapes[0] as Shapes) : shapes) as Shapes;
  const one = Array.isArray(made[0]) ? (made as SymbolicTensor['shape'][])[output] : made;
  return (one as SymbolicTensor['shape']).slice(1);
}

/**
 * The nodes of a model. Those of a model within it stand in its place.
 * @param given what the inputs' shapes are where they are left to the data
 * @throws Uncompilable for shapes that are only known with the data
 */
export function trace(model: LayersModel, given?: InputShapes): Graph {
  const nodes: Node[] = [];
  let hasModels = false;

  /** @param known the nodes of tensors of one use of a model: those of its inputs come from outside */
  const nodeOf = (tensor: SymbolicTensor, known: Map<SymbolicTensor, Node>): Node => {
    const seen = known.get(tensor);
    if (seen) return seen;
    const layer = tensor.sourceLayer;
    const from = layer.inboundNodes[tensor.nodeIndex];
    const nested = modelOf(layer);
    // As upstream goes through a graph, the last input first: a layer that is used twice has moving averages.
    const nodesOf = (tensors: readonly SymbolicTensor[]): Node[] =>
      tensors
        .toReversed()
        .map((input) => nodeOf(input, known))
        .toReversed();
    if (from !== undefined && nested !== undefined) {
      hasModels = true;
      const outside = nodesOf(from.inputTensors);
      const inside = new Map(nested.inputs.map((input, i) => [input, outside[i] as Node]));
      for (const [i, output] of from.outputTensors.entries())
        known.set(output, nodeOf(nested.outputs[i] as SymbolicTensor, inside));
      return known.get(tensor) as Node;
    }
    if (from === undefined) throw new Uncompilable(nameOf(layer), 'it does not belong to the model');
    const output = from.outputTensors.indexOf(tensor);
    const isInput = from.inputTensors[0] === tensor || from.inboundLayers.length === 0;
    const first = from.outputTensors[0] as SymbolicTensor;
    const inputs = isInput ? [] : nodesOf(output > 0 ? [first] : from.inputTensors);
    let shape: readonly (number | null)[] = tensor.shape.slice(1);
    if (given && isInput) shape = given[model.inputs.indexOf(tensor)] ?? shape;
    else if (given) shape = shapeFrom(layer, output > 0 ? (inputs[0] as Node).inputs : inputs, output);
    if (shape.some((length) => length == null || !(length >= 0))) {
      throw new Uncompilable(nameOf(layer), `its output's shape [${tensor.shape}] depends on the data`);
    }
    const node = { layer, inputs, shape: shape as number[], ...(output > 0 ? { output } : {}) };
    known.set(tensor, node);
    nodes.push(node);
    return node;
  };

  const known = new Map<SymbolicTensor, Node>();
  const outputs = model.outputs.map((output) => nodeOf(output, known));
  const inputs = model.inputs.map((tensor) => {
    const node = known.get(tensor);
    if (node === undefined)
      throw new Uncompilable(nameOf(tensor.sourceLayer), 'no output depends on this input');
    return node;
  });
  return { nodes, inputs, outputs, nested: hasModels };
}

/** How messages name a layer. */
export function nameOf(layer: Layer): string {
  return `layer ${layer.name} (${layer.getClassName()})`;
}
