/** The exports of `@tensorflow/tfjs-converter`, which is loaded at the first use of one of them. */
import type { io } from '@tensorflow/tfjs-core';
import type * as converter from '@tensorflow/tfjs-converter';
import { lazy } from './lazy';
import { packageVersion } from './versions';

export type {
  GraphNode,
  IAttrValue,
  INameAttrList,
  INodeDef,
  ITensor,
  ITensorShape,
  OpExecutor,
} from '@tensorflow/tfjs-converter';

const load = () => require('@tensorflow/tfjs-converter') as typeof converter;

export const GraphModel = lazy(() => load().GraphModel);
export type GraphModel<Url extends string | io.IOHandler | io.IOHandlerSync = string | io.IOHandler> =
  converter.GraphModel<Url>;
export const deregisterOp = lazy(() => load().deregisterOp);
export const loadGraphModel = lazy(() => load().loadGraphModel);
export const loadGraphModelSync = lazy(() => load().loadGraphModelSync);
export const registerOp = lazy(() => load().registerOp);
export const version_converter: string = packageVersion('@tensorflow/tfjs-converter');
