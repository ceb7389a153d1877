// How far results of Winograd's minimal filtering may lie from the sums that it replaces.
#pragma once
#include <functional>

#include "reference/reference.h"

namespace tfjs::reference {

// A value of an image [n, y, x, channel]; zero outside of it.
using Image = std::function<double(int64_t n, int64_t y, int64_t x, int64_t channel)>;

// Sets magnitude and rounding_steps of y [batch, height, width, columns] = sum over a 3x3 neighbourhood, from
// (y, x) of `data` on, and `depth` channels of data times filter(ky, kx, channel, column), computed in tiles.
void bound_winograd_product(int tile, const Image& data, const Image& filter, int64_t depth, Tensor& y);

// The same for dw [3, 3, depth, columns], the sum over dy's pixels, [batch, height, width], of data times dy.
void bound_winograd_filter(int tile, const Image& data, const Tensor& dy, Tensor& dw);

}  // namespace tfjs::reference
