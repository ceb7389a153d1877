/**
 * Steps of the seed CNN, compiled against eager, with Winograd's tiles of 4x4. Those of 5x5, which it takes by its shape,
 * round like weights that are changed by 2^-18: then, as with weights changed so (measured: 3 of 6 eager trainings for
 * changes of 2^-20 and 2^-18), one of 2 million maxima is taken elsewhere within 25 steps and changes weights by 1e-3.
 * torch.test.ts has 100 steps by shape.
 */
import { beforeEach, vi } from 'vitest';
import { agreesForLong } from './agreement';
import { type Net, nets } from './nets';

vi.hoisted(() => {
  process.env['TFJS_NATIVE_WINOGRAD'] = '4';
});

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

agreesForLong(nets['the seed CNN'] as Net);
