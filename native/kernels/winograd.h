// Winograd's minimal filtering for 3x3 convolutions: tiles of the data and the filter are transformed,
// multiplied position by position over the channels, and transformed back.
#pragma once
#include "kernels/conv2d.h"

namespace tfjs::TFJS_ISA {

// Computes a product over 3x3 neighbouring taps where that pays. False if it does not, or if the result is
// not finite: what lies next to a NaN or an infinity comes out right only by the direct way.
bool winograd_product(const TapProduct& product);

// The same for the gradient of the filter: sets dw [3, 3, in_channels, out_channels].
bool winograd_filter(const Conv2DShape& shape, const float* x, const float* dy, float* dw);

}  // namespace tfjs::TFJS_ISA
