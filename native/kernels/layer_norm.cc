// Layer normalisation: each row of x [rows, columns] by its own mean and variance. Leading dimensions are
// rows.
#include "core/params.h"
#include "core/scratch.h"
#include "core/tensor.h"
#include "parallel/parallel.h"
#include "simd/simd.h"

namespace tfjs::TFJS_ISA {
namespace {

// Sums go in float over so many columns, which are then added in double.
constexpr int64_t kChunk = 128 * kLanes;
// Rows whose gradients of scale and offset are summed together in float.
constexpr int64_t kBlockRows = 64;

struct Matrix {
  int64_t rows, columns;
};

TFJS_INLINE bool read_matrix(const Tensor& x, Matrix& m) {
  if (x.rank < 1 || x.dtype != DType::Float32) return false;
  m.columns = x.dims[x.rank - 1];
  m.rows = 1;
  for (int i = 0; i + 1 < x.rank; i++) m.rows *= x.dims[i];
  return true;
}

TFJS_INLINE bool fits(const Tensor& t, int64_t size) { return t.data == nullptr || t.size() == size; }

// visit(at, lanes) for each vector of `columns` columns; lanes are fewer in the last one.
template <class Visit>
TFJS_INLINE void each_vector(int64_t columns, Visit visit) {
  int64_t at = 0;
  for (; at + kLanes <= columns; at += kLanes) visit(at, static_cast<int64_t>(kLanes));
  if (at < columns) visit(at, columns - at);
}

TFJS_INLINE vf32 get(const float* p, int64_t lanes) {
  return lanes == kLanes ? load(p) : load_first(p, lanes);
}
TFJS_INLINE void put(float* p, vf32 v, int64_t lanes) {
  if (lanes == kLanes)
    store(p, v);
  else
    store_first(p, v, lanes);
}

TFJS_INLINE double sum_lanes(vf32 v) {
  alignas(64) float each[kLanes];
  store(each, v);
  double sum = 0;
  for (int i = 0; i < kLanes; i++) sum += static_cast<double>(each[i]);
  return sum;
}

// sums[k] = the sum of all lanes that visit(at, lanes, sum) adds to sum[k]; lanes behind the row's end must
// be 0.
template <int kSums, class Visit>
TFJS_INLINE void sum_row(int64_t columns, double* sums, Visit visit) {
  for (int k = 0; k < kSums; k++) sums[k] = 0;
  for (int64_t begin = 0; begin < columns; begin += kChunk) {
    vf32 sum[kSums];
    for (int k = 0; k < kSums; k++) sum[k] = zero();
    each_vector(columns - begin < kChunk ? columns - begin : kChunk,
                [&](int64_t at, int64_t lanes) { visit(begin + at, lanes, sum); });
    for (int k = 0; k < kSums; k++) sums[k] += sum_lanes(sum[k]);
  }
}

}  // namespace

// x, scale?, offset? -> y, mean, inverse deviation [rows]
Status LayerNorm(const Args& args) {
  const auto p = LayerNormParams::decode(args.params);
  const Tensor &x = args.inputs[0], &scale = args.inputs[1], &offset = args.inputs[2];
  Matrix m;
  if (!read_matrix(x, m) || !fits(scale, m.columns) || !fits(offset, m.columns))
    return Status::InvalidArgument;
  if (args.outputs[1].size() != m.rows || args.outputs[2].size() != m.rows) return Status::InvalidArgument;
  const double count = static_cast<double>(m.columns);
  parallel_for(
      m.rows, 0.3 * count + 30, [&](int64_t begin, int64_t end) __attribute__((noinline)) {
        for (int64_t row = begin; row < end; row++) {
          const float* from = x.f32() + row * m.columns;
          double sum[1], spread[2];
          sum_row<1>(m.columns, sum,
                     [=](int64_t at, int64_t lanes, vf32* to) { to[0] += get(from + at, lanes); });
          const float mean = static_cast<float>(sum[0] / count);
          const vf32 centre = splat(mean);
          sum_row<2>(m.columns, spread, [=](int64_t at, int64_t lanes, vf32* to) {
            vf32 centred = get(from + at, lanes) - centre;
            if (lanes < kLanes) {
              // Nothing behind the end.
              alignas(64) float kept[kLanes] = {};
              store_first(kept, centred, lanes);
              centred = load(kept);
            }
            to[0] += centred;
            to[1] += centred * centred;
          });
          // The first is what rounding the mean lost.
          const double variance = (spread[1] - spread[0] * spread[0] / count) / count;
          const float inverse =
              static_cast<float>(1 / __builtin_sqrt(variance + static_cast<double>(p.varianceEpsilon)));
          float* to = args.outputs[0].f32() + row * m.columns;
          each_vector(m.columns, [&](int64_t at, int64_t lanes) {
            vf32 v = (get(from + at, lanes) - centre) * inverse;
            if (scale.data) v *= get(scale.f32() + at, lanes);
            if (offset.data) v += get(offset.f32() + at, lanes);
            put(to + at, v, lanes);
          });
          args.outputs[1].f32()[row] = mean;
          args.outputs[2].f32()[row] = inverse;
        }
      });
  return Status::Ok;
}

// dy, x, mean, inverse deviation, scale? -> dx?, dscale?, doffset?
Status LayerNormGrad(const Args& args) {
  const Tensor &dy = args.inputs[0], &x = args.inputs[1], &scale = args.inputs[4];
  const float *means = args.inputs[2].f32(), *inverses = args.inputs[3].f32();
  float *dx = args.outputs[0].f32(), *dscale = args.outputs[1].f32(), *doffset = args.outputs[2].f32();
  Matrix m;
  if (!read_matrix(x, m) || dy.size() != x.size() || !fits(scale, m.columns)) return Status::InvalidArgument;
  if (args.inputs[2].size() != m.rows || args.inputs[3].size() != m.rows) return Status::InvalidArgument;
  const double count = static_cast<double>(m.columns);
  const int64_t blocks = (m.rows + kBlockRows - 1) / kBlockRows;
  const bool sums = dscale != nullptr || doffset != nullptr;
  Scratch scratch;
  float* parts = sums ? scratch.get<float>(blocks * 2 * m.columns) : nullptr;
  parallel_for(
      blocks, static_cast<double>(kBlockRows) * (0.6 * count + 30),
      [&](int64_t begin, int64_t end) __attribute__((noinline)) {
        for (int64_t row = begin * kBlockRows; row < end * kBlockRows && row < m.rows; row++) {
          const float *from = x.f32() + row * m.columns, *gradient = dy.f32() + row * m.columns;
          const vf32 mean = splat(means[row]), inverse = splat(inverses[row]);
          if (dx != nullptr) {
            double s[2];
            sum_row<2>(m.columns, s, [&](int64_t at, int64_t lanes, vf32* to) {
              vf32 g = get(gradient + at, lanes);
              if (scale.data) g *= get(scale.f32() + at, lanes);
              to[0] += g;
              to[1] += g * ((get(from + at, lanes) - mean) * inverse);
            });
            const vf32 shift = splat(static_cast<float>(s[0] / count)),
                       slope = splat(static_cast<float>(s[1] / count));
            each_vector(m.columns, [&](int64_t at, int64_t lanes) {
              vf32 g = get(gradient + at, lanes);
              if (scale.data) g *= get(scale.f32() + at, lanes);
              const vf32 normal = (get(from + at, lanes) - mean) * inverse;
              put(dx + row * m.columns + at, (g - shift - normal * slope) * inverse, lanes);
            });
          }
          if (!sums) continue;
          float* part = parts + row / kBlockRows * 2 * m.columns;
          const bool first = row % kBlockRows == 0;
          each_vector(m.columns, [&](int64_t at, int64_t lanes) {
            const vf32 g = get(gradient + at, lanes);
            const vf32 product = g * ((get(from + at, lanes) - mean) * inverse);
            put(part + at, first ? product : get(part + at, lanes) + product, lanes);
            put(part + m.columns + at, first ? g : get(part + m.columns + at, lanes) + g, lanes);
          });
        }
      });
  const auto add_up = [&](const float* from, float* to) {
    if (to == nullptr) return;
    for (int64_t c = 0; c < m.columns; c++) {
      double sum = 0;
      for (int64_t b = 0; b < blocks; b++) sum += static_cast<double>(from[b * 2 * m.columns + c]);
      to[c] = static_cast<float>(sum);
    }
  };
  add_up(parts, dscale);
  add_up(parts + m.columns, doffset);
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA
