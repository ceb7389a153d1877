// BiasReluGrad: of y = relu(x + bias), the gradients of x and of the bias in one pass over memory. The sums
// are cut by the shape alone: rows into blocks, whose sums are added up in order.
#include "core/dispatch.h"
#include "core/scratch.h"
#include "parallel/parallel.h"
#include "simd/simd.h"

namespace tfjs::TFJS_ISA {
namespace {

constexpr int64_t kBlockRows = 128;
// Columns whose sums stay in registers.
constexpr int64_t kVectors = 4;

struct Whole {
  [[gnu::always_inline]] static vf32 get(const float* p, int64_t) { return load(p); }
  [[gnu::always_inline]] static void put(float* p, vf32 v, int64_t) { store(p, v); }
};
struct First {
  [[gnu::always_inline]] static vf32 get(const float* p, int64_t n) { return load_first(p, n); }
  [[gnu::always_inline]] static void put(float* p, vf32 v, int64_t n) { store_first(p, v, n); }
};

// `count` vectors side by side, the last of which has n lanes.
template <class Access, int kCount>
TFJS_INLINE void pass(const float* dy, const float* y, float* dx, int64_t rows, int64_t columns, float* sums,
                      int64_t n) {
  vf32 sum[kCount];
  for (int v = 0; v < kCount; v++) sum[v] = zero();
  for (int64_t r = 0; r < rows; r++, dy += columns, y += columns, dx += columns) {
    TFJS_UNROLL for (int v = 0; v < kCount; v++) {
      const vf32 out = Access::get(y + v * kLanes, n), g = Access::get(dy + v * kLanes, n);
      // As ReluGrad: a NaN of y stays.
      const vf32 d = g * select(out > 0.0f, splat(1.0f), select(out != out, out, zero()));
      Access::put(dx + v * kLanes, d, n);
      sum[v] += d;
    }
  }
  for (int v = 0; v < kCount; v++) Access::put(sums + v * kLanes, sum[v], n);
}

}  // namespace

Status BiasReluGrad(const Args& args) {
  const Tensor &dy = args.inputs[0], &y = args.inputs[1], &dx = args.outputs[0], &dbias = args.outputs[1];
  const int64_t columns = dbias.size(), size = dy.size();
  if (y.size() != size || dx.size() != size || (columns == 0 ? size != 0 : size % columns != 0))
    return Status::InvalidArgument;
  if (columns == 0) return Status::Ok;
  const int64_t rows = size / columns, blocks = (rows + kBlockRows - 1) / kBlockRows;
  Scratch scratch;
  float* sums = scratch.get<float>(blocks * columns);
  parallel_for(blocks, static_cast<double>(kBlockRows * columns) * 0.15, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; block++) {
      const int64_t first = block * kBlockRows;
      const int64_t count = rows - first < kBlockRows ? rows - first : kBlockRows;
      int64_t c = 0;
      auto at = [&](const Tensor& t) { return t.f32() + first * columns + c; };
      float* to = sums + block * columns;
      for (; c + kVectors * kLanes <= columns; c += kVectors * kLanes)
        pass<Whole, kVectors>(at(dy), at(y), at(dx), count, columns, to + c, kLanes);
      for (; c + kLanes <= columns; c += kLanes)
        pass<Whole, 1>(at(dy), at(y), at(dx), count, columns, to + c, kLanes);
      if (c < columns) pass<First, 1>(at(dy), at(y), at(dx), count, columns, to + c, columns - c);
    }
  });
  for (int64_t c = 0; c < columns; c++) {
    double sum = 0;
    for (int64_t block = 0; block < blocks; block++) sum += static_cast<double>(sums[block * columns + c]);
    dbias.f32()[c] = static_cast<float>(sum);
  }
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA
