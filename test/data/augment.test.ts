import { describe, expect, test } from 'vitest';
import 'tfjs-native';
import { augmenter, type ImageTransform, transformImages } from '../../dist/data/augment';
import type { Augmentation } from '../../dist/data/names';
import fixture from './keras-transforms.json';

const size = { height: fixture.size, width: fixture.size, channels: fixture.channels };

describe('transformImages', () => {
  test.each(fixture.cases.map((of) => [JSON.stringify([of.fillMode, of.transform, of.flip]), of] as const))(
    'agrees with Keras: %s',
    (_, { fillMode, transform, flip, pixels }) => {
      const asked: ImageTransform = { ...transform, flipHorizontal: flip, flipVertical: flip };
      const found = transformImages(Float32Array.from(fixture.image), size, [asked], {
        fillMode: fillMode as 'constant',
        cval: 9,
      });
      // The matrix has float32 entries: places are up to 2^-24 x 3 x 16 cells off, where values differ by up to 255 a
      // cell; and a place that is on the border by rounding may be beyond it (`constant`).
      let worst = 0;
      let far = 0;
      found.forEach((value, i) => {
        const difference = Math.abs(value - (pixels[i] as number));
        if (difference > 0.01) far++;
        else worst = Math.max(worst, difference);
      });
      expect(worst).toBeLessThan(2 * 255 * 48 * 2 ** -24 + 1e-4);
      expect(far).toBe(0);
    },
  );

  test('takes bytes as it takes floats', () => {
    const transforms = [{ theta: 20, zx: 0.8, brightness: 1.2, contrast: 0.7 }];
    const bytes = transformImages(Uint8Array.from(fixture.image), size, transforms);
    expect(bytes).toEqual(transformImages(Float32Array.from(fixture.image), size, transforms));
  });

  test('brightness, contrast and what is cut out are what they say', () => {
    const one = { height: 2, width: 2, channels: 1 };
    const image = Uint8Array.of(0, 100, 200, 100);
    const change = (transform: ImageTransform) => [...transformImages(image, one, [transform], { cval: 7 })];
    expect(change({ brightness: 1.5 })).toEqual([0, 150, 255, 150]);
    expect(change({ contrast: 0.5 })).toEqual([50, 100, 150, 100]);
    expect(change({ cut: [-1, 1, 1, 3] })).toEqual([0, 7, 200, 100]);
  });
});

describe('augmenter', () => {
  const count = 6;
  const cells = fixture.image.length;
  const pixels = Uint8Array.from({ length: count * cells }, (_, i) => fixture.image[i % cells] as number);
  const options: Augmentation = {
    rotationRange: 15,
    zoomRange: 0.2,
    widthShiftRange: 0.1,
    heightShiftRange: 2,
    shearRange: 5,
    horizontalFlip: true,
    verticalFlip: true,
    brightnessRange: 0.2,
    contrastRange: 0.2,
    cropPadding: 1,
    noise: 0.05,
    cutout: 3,
    elastic: 1,
  };
  const part = (all: Float32Array, i: number) => [...all.subarray(i * cells, (i + 1) * cells)];

  test('changes an image by seed, epoch and image, whatever the batch', () => {
    const augment = augmenter(options, size, 3);
    const all = augment(pixels, Uint32Array.of(0, 1, 2, 3, 4, 5), 2);
    const some = augment(pixels.subarray(0, 2 * cells), Uint32Array.of(4, 1), 2);
    expect(part(some, 0)).toEqual(part(all, 4));
    expect(part(some, 1)).toEqual(part(all, 1));
    expect(part(all, 0)).not.toEqual(part(all, 1));
    expect(part(augment(pixels, Uint32Array.of(0, 1, 2, 3, 4, 5), 3), 0)).not.toEqual(part(all, 0));
    const other = augmenter(options, size, 4)(pixels, Uint32Array.of(0, 1, 2, 3, 4, 5), 2);
    expect(part(other, 0)).not.toEqual(part(all, 0));
  });

  test('without any range changes nothing', () => {
    const same = augmenter({}, size, 1)(pixels, Uint32Array.of(0, 1, 2, 3, 4, 5), 0);
    expect([...same]).toEqual([...pixels]);
  });

  test('stays within the ranges', () => {
    const indices = Uint32Array.from({ length: 400 }, (_, i) => i);
    const white = { height: 1, width: 1, channels: 1 };
    const grey = new Uint8Array(400).fill(100);
    const found = augmenter({ brightnessRange: 0.2 }, white, 1)(grey, indices, 0);
    expect(Math.min(...found)).toBeGreaterThanOrEqual(79.99);
    expect(Math.max(...found)).toBeLessThanOrEqual(120.01);
    expect(Math.min(...found)).toBeLessThan(83);
    expect(Math.max(...found)).toBeGreaterThan(117);
  });
});
