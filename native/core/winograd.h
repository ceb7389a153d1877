// When convolutions with 3x3 filters take Winograd's minimal filtering, F(2x2, 3x3), F(4x4, 3x3) or F(5x5,
// 3x3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016): fewer products for some
// rounding error.
#pragma once
#include <cstdint>

namespace tfjs {

// The points that the polynomials are taken at are 0, +-a, +-b and infinity for tiles of 4x4, 0, +-a and
// infinity for those of 2x2, +-a/2, +-a, +-b and infinity for those of 5x5. With 0.75 and 1.5 all constants
// of the data's transform are exact; for 4x4 errors are half of those with the usual 1 and 2, which those for
// 5x5 are about level with.
constexpr float kWinogradA = 0.75f, kWinogradB = 1.5f;

enum class Winograd { ByShape, Never, Tiles2, Tiles4, Tiles5 };
// The choice for the process: by shape, or (TFJS_NATIVE_WINOGRAD=0, and tests) one way wherever it is
// possible.
void set_winograd(Winograd choice);

// A 3x3 convolution without stride and dilation: `height` x `width` results of `columns` channels per image
// from `depth` channels. Returns the edge of the tiles that results are computed in: 4, 2, or 0 for the
// direct way.
int winograd_product_tile(int64_t batch, int64_t height, int64_t width, int64_t depth, int64_t columns);
// The same for one whose results are pooled as they come out of their tiles, by windows of 2x2; 5 is another
// edge.
int winograd_pooled_tile(int64_t batch, int64_t height, int64_t width, int64_t depth, int64_t columns);
// The same for the gradient of its filter.
int winograd_filter_tile(int64_t batch, int64_t height, int64_t width, int64_t depth, int64_t columns);

// The gradient of the filter is added up in this many parts.
int64_t winograd_filter_slices(int64_t tiles, int64_t depth, int64_t columns, int tile);

}  // namespace tfjs
