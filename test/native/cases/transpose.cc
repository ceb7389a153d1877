#include <algorithm>
#include <numeric>

#include "../harness.h"

namespace tfjs::test {
namespace {

void add(Suite& suite, Spec x, std::vector<int64_t> perm) {
  Spec y = x;
  for (size_t d = 0; d < perm.size(); d++) y.dims[d] = x.dims[static_cast<size_t>(perm[d])];
  perm.resize(8);
  suite.add({std::move(x)}, {std::move(y)},
            TransposeParams{perm[0], perm[1], perm[2], perm[3], perm[4], perm[5], perm[6], perm[7]});
}

Spec of_dtype(int which, std::vector<int64_t> dims) {
  if (which == 0) return f32(std::move(dims), Fill::Special);
  return which == 1 ? i32(std::move(dims)) : boolean(std::move(dims));
}

}  // namespace

TFJS_CASES(Transpose) {
  add(suite, f32({}), {});
  for (int dtype = 0; dtype < 3; dtype++) {
    for (int64_t n : edge_lengths()) add(suite, of_dtype(dtype, {n}), {0});
    for (int64_t rows : {0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 100}) {
      for (int64_t columns : {1, 3, 4, 9, 16, 17, 40}) add(suite, of_dtype(dtype, {rows, columns}), {1, 0});
    }
    add(suite, of_dtype(dtype, {300, 501}), {1, 0});
    add(suite, of_dtype(dtype, {64, 28, 28, 3}), {0, 3, 1, 2});
    add(suite, of_dtype(dtype, {64, 3, 28, 28}), {0, 2, 3, 1});
    add(suite, of_dtype(dtype, {4, 100, 8, 64}), {0, 2, 1, 3});
    add(suite, of_dtype(dtype, {100, 200, 3}), {1, 0, 2});
    add(suite, of_dtype(dtype, {3, 1, 5, 1, 7, 1, 2, 2}), {7, 1, 6, 0, 5, 4, 3, 2});

    std::vector<int64_t> perm = {0, 1, 2, 3};
    do add(suite, of_dtype(dtype, {3, 5, 18, 7}), perm);
    while (std::next_permutation(perm.begin(), perm.end()));
  }
  for (int i = 0; i < 100 * repeats(); i++) {
    std::vector<int64_t> dims(static_cast<size_t>(suite.draw(1, 6))), perm(dims.size());
    for (int64_t& d : dims) d = suite.draw(1, dims.size() > 3 ? 8 : 40);
    std::iota(perm.begin(), perm.end(), 0);
    for (size_t d = perm.size(); d > 1; d--) {
      std::swap(perm[d - 1], perm[static_cast<size_t>(suite.draw(0, static_cast<int64_t>(d) - 1))]);
    }
    add(suite, of_dtype(i % 3, dims), perm);
  }
}

}  // namespace tfjs::test
