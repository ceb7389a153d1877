// The naive walk over two tensors that are broadcast to the output's shape.
#pragma once
#include "reference/reference.h"

namespace tfjs::reference {

// The index into a tensor of `dims` for element `index` of the output.
inline size_t broadcast_index(int64_t index, const std::vector<int64_t>& out,
                              const std::vector<int64_t>& dims) {
  int64_t at = 0, stride = 1;
  for (size_t i = 1; i <= out.size(); i++) {
    const int64_t place = index % out[out.size() - i];
    index /= out[out.size() - i];
    if (i > dims.size()) continue;
    const int64_t n = dims[dims.size() - i];
    at += (n == 1 ? 0 : place) * stride;
    stride *= n;
  }
  return static_cast<size_t>(at);
}

// f(a, b, y, magnitude) for each element of the output.
template <class F>
void for_each_pair(const std::vector<Tensor>& inputs, Tensor& output, F f) {
  output.clear();
  for (int64_t i = 0; i < output.size(); i++) {
    const double a = inputs[0].value[broadcast_index(i, output.dims, inputs[0].dims)];
    const double b = inputs[1].value[broadcast_index(i, output.dims, inputs[1].dims)];
    f(a, b, output.value[static_cast<size_t>(i)], output.magnitude[static_cast<size_t>(i)]);
  }
}

}  // namespace tfjs::reference
