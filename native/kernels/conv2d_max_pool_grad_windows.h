// The gradient of the data of a 3x3 convolution that is pooled by windows of 2x2, window by window: all that
// a window's gradients add to is a patch of 4x4 pixels, whose sums stay in registers meanwhile.
#pragma once
#include "kernels/conv2d_max_pool.h"

namespace tfjs::TFJS_ISA {

// The sums of a patch, a value and what is to be read of a filter want that many registers.
constexpr bool kPatchInRegisters = kRegisters == 32;

// Channels in a word of bits.
constexpr int64_t kWord = 64;

// Which of a window's gradients are not zero, and belong to its first, second, third and fourth cell.
struct WindowBits {
  uint64_t of_cell[4];
};

// For each window, a word for each 64 channels: g and argmax are [windows, columns].
TFJS_INLINE void find_window_bits(const float* g, const uint8_t* argmax, int64_t windows, int64_t columns,
                                  WindowBits* to) {
  for (int64_t window = 0; window < windows; window++, g += columns, argmax += columns) {
    for (int64_t word = 0; word < columns; word += kWord, to++) {
      *to = {};
      for (int64_t c = word; c < columns && c < word + kWord; c += kLanes) {
        const vf32 value = read_lanes(g + c, columns - c);
        const vi32 cell = load_bytes(argmax + c, columns - c);
        TFJS_UNROLL for (int i = 0; i < 4; i++) {
          const uint64_t found = nonzero_lanes(select(cell == splat(int32_t{i}), value, zero()));
          to->of_cell[i] |= found << (c - word);
        }
      }
    }
  }
}

// Adds what a window's gradients are worth to the patch of kLanes input channels that begins at `dx`, whose
// rows are `row` floats apart. The filter is [columns, 9, kLanes].
TFJS_INLINE void add_window(const float* g, const WindowBits* bits, int64_t columns, const float* filter,
                            float* dx, int64_t row) {
  constexpr int64_t kFilter = 9 * kLanes;
  vf32 sum[4][4];
  TFJS_UNROLL for (int y = 0; y < 4; y++) {
    TFJS_UNROLL for (int x = 0; x < 4; x++) sum[y][x] = load(dx + y * row + x * kLanes);
  }
  for (int64_t word = 0; word < columns; word += kWord, bits++, g += kWord, filter += kWord * kFilter) {
    TFJS_UNROLL for (int cell = 0; cell < 4; cell++) {
      for (uint64_t left = bits->of_cell[cell]; left != 0; left &= left - 1) {
        const int64_t channel = lowest_bit(left);
        const float* weight = filter + channel * kFilter;
        const vf32 value = splat(g[channel]);
        TFJS_UNROLL for (int tap = 0; tap < 9; tap++) {
          vf32& to = sum[cell / 2 + tap / 3][cell % 2 + tap % 3];
          to = fma(value, load(weight + tap * kLanes), to);
        }
      }
    }
  }
  TFJS_UNROLL for (int y = 0; y < 4; y++) {
    TFJS_UNROLL for (int x = 0; x < 4; x++) store(dx + y * row + x * kLanes, sum[y][x]);
  }
}

}  // namespace tfjs::TFJS_ISA
