/** Images from JavaScript, against `cpu`; where `cpu` has faults, against what defines the op. */
import * as tf from 'tfjs-native';
import { describe, expect, it } from 'vitest';
import {
  type DType,
  draw,
  drawShape,
  expectJavaScript,
  expectLikeCpu,
  nativeRuns,
  pick,
  random,
  runKernel,
  seed,
  type Values,
  whole,
} from './like-cpu';

type Shape4D = [number, number, number, number];

const repeats = 60;
const drawImages = (batch = whole(1, 3)): Shape4D => [batch, whole(1, 9), whole(1, 9), whole(1, 6)];
const drawOptions = () =>
  pick([
    { alignCorners: false, halfPixelCenters: false },
    { alignCorners: true, halfPixelCenters: false },
    { alignCorners: false, halfPixelCenters: true },
  ]);

/** Without NaN and infinities. */
function drawFinite(shape: number[]): Values {
  const values = draw(shape, 'float32');
  return { ...values, values: values.values.map((v) => (Number.isFinite(v) ? v : 1.5)) };
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, v, i) => sum + v * (b[i] as number), 0);

/** One image of several. */
function imageOf({ shape, dtype, values }: Values, index: number): Values {
  const size = values.length / (shape[0] as number);
  return { shape: shape.with(0, 1), dtype, values: values.slice(index * size, (index + 1) * size) };
}

describe('resizing', () => {
  it.each(['ResizeBilinear', 'ResizeNearestNeighbor'])('%s is as on cpu', (name) => {
    for (let i = 0; i < repeats; i++) {
      const images = draw(drawImages(), pick(['float32', 'int32']));
      expectLikeCpu(name, { images }, { ...drawOptions(), size: [whole(1, 14), whole(1, 14)] });
    }
    expect(nativeRuns).toEqual(new Set([name]));
  });

  it.each(['ResizeBilinearGrad', 'ResizeNearestNeighborGrad'])('%s of one image is as on cpu', (name) => {
    for (let i = 0; i < repeats; i++) {
      const shape = drawImages(1);
      // cpu never ends for a single row or column with corners aligned.
      const alignCorners = random() < 0.5 && Math.min(shape[1], shape[2]) > 1;
      const dy = draw([1, whole(1, 14), whole(1, 14), shape[3]], 'float32');
      const inputs = { dy, images: draw(shape, 'float32') };
      const [want] = runKernel('cpu', name, inputs, { alignCorners }) as [Values];
      const [got] = runKernel('native', name, inputs, { alignCorners }) as [Values];
      // cpu swaps height and width of the bilinear one's shape, not its values.
      expect(got.shape).toEqual(shape);
      const largest = Math.max(...dy.values.filter(Number.isFinite).map(Math.abs));
      want.values.forEach((w, j) => {
        const g = got.values[j] as number;
        // At most 14 * 14 terms are added up.
        const close = Object.is(g, w) || Math.abs(g - w) <= 200 * largest * 2 ** -22;
        expect(close, `seed ${seed}: element ${j} is ${g}, expected ${w}`).toBe(true);
      });
    }
    expect(nativeRuns).toEqual(new Set([name]));
  });

  it.each([
    ['ResizeBilinear', tf.image.resizeBilinear],
    ['ResizeNearestNeighbor', tf.image.resizeNearestNeighbor],
  ] as const)('the gradient of %s is its adjoint', (name, resize) => {
    for (let i = 0; i < repeats; i++) {
      tf.setBackend('native');
      const { alignCorners, halfPixelCenters } = drawOptions();
      const shape = drawImages();
      const x = drawFinite(shape);
      const size: [number, number] = [whole(1, 14), whole(1, 14)];
      const dy = drawFinite([shape[0], ...size, shape[3]]);
      tf.tidy(() => {
        const op = (v: tf.Tensor) => resize(v as tf.Tensor4D, size, alignCorners, halfPixelCenters);
        const images = tf.tensor4d(x.values, shape);
        const dx = tf.grad(op)(images, tf.tensor(dy.values, dy.shape));
        expect(dx.shape).toEqual(shape);
        const forward = dot(op(images).dataSync(), dy.values);
        const backward = dot(images.dataSync(), dx.dataSync());
        const magnitude = dot(x.values.map(Math.abs), tf.abs(dx).dataSync()) + dy.values.length * 16;
        const about = `seed ${seed}: ${shape} to ${size} ${alignCorners} ${halfPixelCenters}`;
        expect(Math.abs(forward - backward), about).toBeLessThanOrEqual(magnitude * 2 ** -19);
      });
    }
    expect(nativeRuns).toContain(`${name}Grad`);
  });

  it('something of nothing is made in JavaScript', () => {
    const images = draw([2, 0, 3, 2], 'float32');
    const attrs = { size: [2, 2], alignCorners: false, halfPixelCenters: false };
    expectJavaScript('ResizeBilinear', { images }, attrs);
  });
});

describe('cropping', () => {
  it.each(['bilinear', 'nearest'])('CropAndResize, %s, is as on cpu', (method) => {
    for (let i = 0; i < repeats; i++) {
      const image = draw(drawImages(), pick(['float32', 'int32']));
      const boxes = draw([whole(1, 5), 4], 'float32');
      const place = (v: number) => (random() < 0.8 ? Math.fround(random() * 1.2 - 0.1) : v);
      const boxInd = { shape: [boxes.shape[0] as number], dtype: 'int32' as const };
      const indices = Array.from({ length: boxInd.shape[0] as number }, () =>
        whole(-1, image.shape[0] as number),
      );
      expectLikeCpu(
        'CropAndResize',
        {
          image,
          boxes: { ...boxes, values: boxes.values.map(place) },
          boxInd: { ...boxInd, values: indices },
        },
        { cropSize: [whole(1, 9), whole(1, 9)], method, extrapolationValue: pick([0, -2.5, Number.NaN]) },
      );
    }
    expect(nativeRuns).toEqual(new Set(['CropAndResize']));
  });
});

describe('turning and transforming', () => {
  const angles = [0, 90, 180, 270, -90, 45, 30].map((degrees) => (degrees * Math.PI) / 180);

  it('RotateWithOffset is as on cpu', () => {
    for (let i = 0; i < repeats; i++) {
      const shape = drawImages();
      const fillValue = random() < 0.5 || shape[3] > 4 ? pick([0, 7.5]) : [1, 2, 3].slice(0, whole(1, 3));
      const center = pick([0.5, [0.3, 0.8], [random() * 2, -random()]]);
      const radians = random() < 0.5 ? pick(angles) : random() * 7;
      expectLikeCpu('RotateWithOffset', { image: draw(shape, 'float32') }, { radians, fillValue, center });
    }
    expect(nativeRuns).toEqual(new Set(['RotateWithOffset']));
  });

  it('RotateWithOffset turns integers, and fills many channels each with its own value, in JavaScript', () => {
    const attrs = { radians: 1, fillValue: 0, center: 0.5 };
    expectJavaScript('RotateWithOffset', { image: draw([1, 4, 4, 3], 'int32') }, attrs);
    const image = draw([1, 4, 4, 6], 'float32');
    expectJavaScript('RotateWithOffset', { image }, { ...attrs, fillValue: [1, 2, 3] });
  });

  function drawTransforms(rows: number): Values {
    const length = rows * 8;
    const identity = [1, 0, 0, 0, 1, 0, 0, 0];
    const step = [0.3, 0.3, 3, 0.3, 0.3, 3, 0.02, 0.02];
    const values = Array.from({ length }, (_, i) => {
      const halves = Math.round((random() - 0.5) * 8) / 2;
      const change = i % 3 === 2 && random() < 0.5 ? halves : (random() - 0.5) * 2 * (step[i % 8] as number);
      return Math.fround((identity[i % 8] as number) + (random() < 0.6 ? change : 0));
    });
    return { shape: [rows, 8], dtype: 'float32', values };
  }
  const drawAttrs = (interpolation: string) => ({
    interpolation,
    fillMode: pick(['constant', 'reflect', 'wrap', 'nearest']),
    fillValue: pick([0, 3.25]),
    outputShape: random() < 0.5 ? undefined : [whole(1, 9), whole(1, 9)],
  });

  it.each(['nearest', 'bilinear'])('Transform of one image, %s, is as on cpu', (interpolation) => {
    for (let i = 0; i < repeats; i++) {
      const image = draw(drawImages(1), 'float32');
      expectLikeCpu('Transform', { image, transforms: drawTransforms(1) }, drawAttrs(interpolation));
    }
    expect(nativeRuns).toEqual(new Set(['Transform']));
  });

  // cpu returns after the first image.
  it('Transform of several images is that of each', () => {
    for (let i = 0; i < repeats; i++) {
      const image = draw(drawImages(3), 'float32');
      const transforms = drawTransforms(pick([1, 3]));
      const attrs = drawAttrs(pick(['nearest', 'bilinear']));
      const [all] = runKernel('native', 'Transform', { image, transforms }, attrs) as [Values];
      for (let n = 0; n < 3; n++) {
        const own = transforms.shape[0] === 1 ? transforms : imageOf(transforms, n);
        const inputs = { image: imageOf(image, n), transforms: own };
        expect(runKernel('native', 'Transform', inputs, attrs)).toEqual([imageOf(all, n)]);
      }
    }
  });

  it('an unknown interpolation is the error of TensorFlow.js', () => {
    const inputs = { image: draw([1, 2, 2, 1], 'float32'), transforms: drawTransforms(1) };
    const attrs = { ...drawAttrs('cubic'), fillMode: 'constant' };
    expect(() => runKernel('native', 'Transform', inputs, attrs)).toThrow("Expect 'nearest' or 'bilinear'");
  });
});

describe('mirroring', () => {
  const dtypes: DType[] = ['float32', 'int32', 'bool'];

  it.each(dtypes)('Reverse of %s is as on cpu', (dtype) => {
    for (let i = 0; i < repeats; i++) {
      const shape = drawShape();
      const axis = () => whole(-shape.length, shape.length - 1);
      // An axis that is named twice is reversed twice.
      const dims = shape.length === 0 ? [] : Array.from({ length: whole(0, 4) }, axis);
      expectLikeCpu('Reverse', { x: draw(shape, dtype) }, { dims });
    }
    expectLikeCpu('Reverse', { x: draw([3, 4, 2], dtype) }, {});
    expect(nativeRuns).toEqual(new Set(['Reverse']));
  });

  it('FlipLeftRight is as on cpu', () => {
    for (let i = 0; i < repeats; i++)
      expectLikeCpu('FlipLeftRight', { image: draw(drawImages(), 'float32') });
    expect(nativeRuns).toEqual(new Set(['Reverse']));
  });
});
