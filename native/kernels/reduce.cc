// Reductions of the middle dimension of x [outer, reduce, inner] to y, whose elements are [outer, inner].
//
// All of them but Prod go one way: rows are laid side by side until they fill the vectors (`fold` of them),
// these wide rows are combined lane by lane, and at the end the lanes of one column with each other. Long
// reductions are cut into blocks by the shape alone, whose results are combined in their order.
#include <algorithm>

#include "core/params.h"
#include "core/scratch.h"
#include "core/tensor.h"
#include "parallel/parallel.h"
#include "simd/whole.h"

namespace tfjs::TFJS_ISA {
namespace {

// Doubles of one vector. Sums of floats are made in double, as the JavaScript kernels make them: no rounding
// piles up, and no sum of floats overflows.
constexpr int kDoubles = kLanes / 2;
typedef double vf64 __attribute__((vector_size(kLanes * 4)));
typedef float vf32_half __attribute__((vector_size(kLanes * 2), aligned(4), may_alias));
typedef uint8_t vu8 __attribute__((vector_size(kLanes * 4)));
typedef uint8_t vu8u __attribute__((vector_size(kLanes * 4), aligned(1), may_alias));

// How many numbers a task takes.
constexpr int64_t kBlock = 16384;

// How to reduce: `In` are x's elements, `Number` is what is computed with, `Vector` has kWidth of these.
struct SumOfFloats {
  using In = float;
  using Number = double;
  using Vector = vf64;
  static constexpr int kWidth = kDoubles;
  [[gnu::always_inline]] static Vector get(const In* p) {
// GCC takes four instructions for what is one.
#if defined(__AVX512F__)
    return (vf64)_mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(p));
#elif defined(__AVX2__)
    return (vf64)_mm256_cvtps_pd(_mm_loadu_ps(p));
#else
    return __builtin_convertvector(*reinterpret_cast<const vf32_half*>(p), vf64);
#endif
  }
  template <class V>
  [[gnu::always_inline]] static V combine(V a, V b) {
    return a + b;
  }
};

struct SumOfInts {
  using In = int32_t;
  // Wraps around, as storing a JavaScript number into an Int32Array does.
  using Number = uint32_t;
  typedef uint32_t Vector __attribute__((vector_size(kLanes * 4)));
  static constexpr int kWidth = kLanes;
  [[gnu::always_inline]] static Vector get(const In* p) { return (Vector)load(p); }
  template <class V>
  [[gnu::always_inline]] static V combine(V a, V b) {
    return a + b;
  }
};

struct LargestFloat {
  using In = float;
  using Number = float;
  using Vector = vf32;
  static constexpr int kWidth = kLanes;
  [[gnu::always_inline]] static Vector get(const In* p) { return load(p); }
  // NaN in either gives NaN.
  [[gnu::always_inline]] static vf32 combine(vf32 a, vf32 b) { return max(a, b); }
  [[gnu::always_inline]] static float combine(float a, float b) { return a > b || a != a ? a : b; }
};

struct SmallestFloat : LargestFloat {
  [[gnu::always_inline]] static vf32 combine(vf32 a, vf32 b) { return min(a, b); }
  [[gnu::always_inline]] static float combine(float a, float b) { return a < b || a != a ? a : b; }
};

struct LargestInt {
  using In = int32_t;
  using Number = int32_t;
  using Vector = vi32;
  static constexpr int kWidth = kLanes;
  [[gnu::always_inline]] static Vector get(const In* p) { return load(p); }
  template <class V>
  [[gnu::always_inline]] static V combine(V a, V b) {
    return a > b ? a : b;
  }
};

struct SmallestInt : LargestInt {
  template <class V>
  [[gnu::always_inline]] static V combine(V a, V b) {
    return a < b ? a : b;
  }
};

struct LargestBool {
  using In = uint8_t;
  using Number = uint8_t;
  using Vector = vu8;
  static constexpr int kWidth = 4 * kLanes;
  [[gnu::always_inline]] static Vector get(const In* p) { return *reinterpret_cast<const vu8u*>(p); }
  template <class V>
  [[gnu::always_inline]] static V combine(V a, V b) {
    return a > b ? a : b;
  }
};

struct SmallestBool : LargestBool {
  template <class V>
  [[gnu::always_inline]] static V combine(V a, V b) {
    return a < b ? a : b;
  }
};

// How many vectors one pass over the rows combines into.
constexpr int kVectors = 8;

struct Shape {
  int64_t outer, reduce, inner;
};

TFJS_INLINE bool read_shape(const Args& args, Shape& s) {
  const Tensor& x = args.inputs[0];
  if (x.rank != 3) return false;
  s = {x.dims[0], x.dims[1], x.dims[2]};
  return s.reduce > 0 && args.outputs[0].size() == s.outer * s.inner;
}

// How the reduction is laid out on vectors, `width` numbers at once.
struct Layout {
  int64_t fold;    // rows beside each other: more than one only where a strip is a whole row
  int64_t strip;   // columns at once
  int64_t strips;  // of a row
  int64_t rows;    // of a block, a multiple of fold
  int64_t blocks;  // of the reduction
};

// For vectors of `width` numbers, up to `vectors` at once.
TFJS_INLINE Layout lay_out(const Shape& s, int64_t width, int64_t vectors) {
  const int64_t most = vectors * width;
  Layout l;
  l.strip = std::max<int64_t>(std::min<int64_t>(s.inner, most), 1);
  l.strips = (s.inner + l.strip - 1) / l.strip;
  l.fold = most / l.strip;
  // Whole vectors if that can be had.
  for (int64_t fold = l.fold; fold > 0; fold--) {
    if (fold * l.strip % width == 0) {
      l.fold = fold;
      break;
    }
  }
  l.rows = std::max<int64_t>(kBlock / (l.fold * l.strip), 1) * l.fold;
  l.blocks = (s.reduce + l.rows - 1) / l.rows;
  return l;
}

// to[0 … kCount * kWidth) = the rows combined, `stride` apart.
template <class Op, int kCount>
TFJS_INLINE void combine_vectors(const typename Op::In* x, int64_t rows, int64_t stride,
                                 typename Op::Number* to) {
  typename Op::Vector sum[kCount];
  for (int v = 0; v < kCount; v++) sum[v] = Op::get(x + v * Op::kWidth);
  for (int64_t r = 1; r < rows; r++) {
    x += stride;
    for (int v = 0; v < kCount; v++) sum[v] = Op::combine(sum[v], Op::get(x + v * Op::kWidth));
  }
  __builtin_memcpy(to, sum, sizeof sum);
}

// The same for any width up to kVectors vectors.
template <class Op>
[[gnu::noinline]] void combine_rows(const typename Op::In* x, int64_t rows, int64_t stride, int64_t width,
                                    typename Op::Number* to) {
  constexpr int64_t w = Op::kWidth;
  switch (width / w) {
    case 8:
      combine_vectors<Op, 8>(x, rows, stride, to);
      break;
    case 7:
      combine_vectors<Op, 7>(x, rows, stride, to);
      break;
    case 6:
      combine_vectors<Op, 6>(x, rows, stride, to);
      break;
    case 5:
      combine_vectors<Op, 5>(x, rows, stride, to);
      break;
    case 4:
      combine_vectors<Op, 4>(x, rows, stride, to);
      break;
    case 3:
      combine_vectors<Op, 3>(x, rows, stride, to);
      break;
    case 2:
      combine_vectors<Op, 2>(x, rows, stride, to);
      break;
    case 1:
      combine_vectors<Op, 1>(x, rows, stride, to);
      break;
  }
  if (width % w == 0) return;
  if (width > w) {
    // Overlaps the vector before: the same numbers are stored twice.
    combine_vectors<Op, 1>(x + width - w, rows, stride, to + width - w);
    return;
  }
  for (int64_t i = 0; i < width; i++) {
    typename Op::Number sum = static_cast<typename Op::Number>(x[i]);
    for (int64_t r = 1; r < rows; r++)
      sum = Op::combine(sum, static_cast<typename Op::Number>(x[r * stride + i]));
    to[i] = sum;
  }
}

// A run of n >= kVectors * kWidth numbers combined: what rows of one column are.
template <class Op>
TFJS_INLINE typename Op::Number combine_run(const typename Op::In* x, int64_t n) {
  constexpr int64_t w = Op::kWidth;
  typename Op::Vector sum[kVectors];
  TFJS_UNROLL for (int v = 0; v < kVectors; v++) sum[v] = Op::get(x + v * w);
  int64_t i = kVectors * w;
  for (; i + kVectors * w <= n; i += kVectors * w) {
    TFJS_UNROLL for (int v = 0; v < kVectors; v++) sum[v] = Op::combine(sum[v], Op::get(x + i + v * w));
  }
  for (; i + w <= n; i += w) sum[0] = Op::combine(sum[0], Op::get(x + i));
  TFJS_UNROLL for (int half = kVectors / 2; half > 0; half /= 2) {
    TFJS_UNROLL for (int v = 0; v < half; v++) sum[v] = Op::combine(sum[v], sum[v + half]);
  }
  typename Op::Number lane[w];
  __builtin_memcpy(lane, sum, sizeof lane);
  TFJS_UNROLL for (int64_t half = w / 2; half > 0; half /= 2) {
    TFJS_UNROLL for (int64_t k = 0; k < half; k++) lane[k] = Op::combine(lane[k], lane[k + half]);
  }
  for (; i < n; i++) lane[0] = Op::combine(lane[0], static_cast<typename Op::Number>(x[i]));
  return lane[0];
}

// So few numbers are reduced one by one.
constexpr int64_t kFew = 24;

// to[0 … columns) = the rows combined.
template <class Op>
[[gnu::noinline]] void combine_block(const typename Op::In* x, int64_t rows, int64_t stride, int64_t columns,
                                     int64_t fold, typename Op::Number* to) {
  using Number = typename Op::Number;
  Number lanes[kVectors * Op::kWidth], last[kVectors * Op::kWidth];
  if (rows * columns <= kFew) {
    for (int64_t c = 0; c < columns; c++) {
      Number sum = static_cast<Number>(x[c]);
      for (int64_t r = 1; r < rows; r++) sum = Op::combine(sum, static_cast<Number>(x[r * stride + c]));
      to[c] = sum;
    }
    return;
  }
  if (columns == 1 && stride == 1 && rows >= kVectors * Op::kWidth) {
    to[0] = combine_run<Op>(x, rows);
    return;
  }
  const int64_t wide = rows / fold, rest = rows % fold * columns;
  if (wide > 0) combine_rows<Op>(x, wide, fold * stride, fold * columns, lanes);
  if (rest > 0) combine_rows<Op>(x + wide * fold * stride, 1, 0, rest, wide > 0 ? last : lanes);
  if (wide > 0) {
    for (int64_t i = 0; i < rest; i++) lanes[i] = Op::combine(lanes[i], last[i]);
  }
  int64_t parts = wide > 0 ? fold : rows;
  for (; parts % 2 == 0; parts /= 2) {
    const int64_t half = parts / 2 * columns;
    for (int64_t i = 0; i < half; i++) lanes[i] = Op::combine(lanes[i], lanes[half + i]);
  }
  for (int64_t c = 0; c < columns; c++) {
    Number sum = lanes[c];
    for (int64_t p = 1; p < parts; p++) sum = Op::combine(sum, lanes[p * columns + c]);
    to[c] = sum;
  }
}

// y = finish(x reduced by Op).
template <class Op, class Out, class Finish>
TFJS_INLINE Status reduce(const Args& args, Out* y, Finish finish) {
  using Number = typename Op::Number;
  Shape s;
  if (!read_shape(args, s)) return Status::InvalidArgument;
  const typename Op::In* x = args.inputs[0].as<typename Op::In>();
  const Layout l = lay_out(s, Op::kWidth, kVectors);
  if (s.outer * s.inner == 0) return Status::Ok;
  Scratch scratch;
  Number* parts = l.blocks > 1 ? scratch.get<Number>(s.outer * l.blocks * s.inner) : nullptr;
  const double numbers = static_cast<double>(std::min<int64_t>(s.reduce, l.rows) * l.strip);
  parallel_for(s.outer * l.blocks * l.strips, 5 + 0.06 * numbers, [&](int64_t from, int64_t to) {
    int64_t strip = from % l.strips, block = from / l.strips % l.blocks, o = from / l.strips / l.blocks;
    for (int64_t i = from; i < to; i++) {
      const int64_t row = block * l.rows, rows = std::min<int64_t>(s.reduce - row, l.rows);
      const int64_t c = strip * l.strip, columns = std::min<int64_t>(s.inner - c, l.strip);
      const typename Op::In* in = x + (o * s.reduce + row) * s.inner + c;
      if (parts != nullptr) {
        combine_block<Op>(in, rows, s.inner, columns, l.fold, parts + (o * l.blocks + block) * s.inner + c);
      } else {
        Number sums[kVectors * Op::kWidth];
        combine_block<Op>(in, rows, s.inner, columns, l.fold, sums);
        for (int64_t k = 0; k < columns; k++) y[o * s.inner + c + k] = finish(sums[k]);
      }
      if (++strip < l.strips) continue;
      strip = 0;
      if (++block < l.blocks) continue;
      block = 0;
      o++;
    }
  });
  if (parts == nullptr) return Status::Ok;
  parallel_for(s.outer * s.inner, static_cast<double>(l.blocks), [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) {
      const Number* part = parts + i / s.inner * l.blocks * s.inner + i % s.inner;
      Number sum = part[0];
      for (int64_t b = 1; b < l.blocks; b++) sum = Op::combine(sum, part[b * s.inner]);
      y[i] = finish(sum);
    }
  });
  return Status::Ok;
}

// A product in double, factor after factor as the JavaScript kernel makes it.
template <class T, class Finish>
TFJS_INLINE Status product(const Args& args, Finish finish) {
  Shape s;
  if (!read_shape(args, s)) return Status::InvalidArgument;
  constexpr int64_t kColumns = 64;
  const T* x = args.inputs[0].as<T>();
  T* y = args.outputs[0].as<T>();
  const int64_t strips = (s.inner + kColumns - 1) / kColumns;
  const double numbers = static_cast<double>(s.reduce * std::min<int64_t>(s.inner, kColumns));
  parallel_for(s.outer * strips, 5 + 0.5 * numbers, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) {
      const int64_t o = i / strips, c = i % strips * kColumns,
                    columns = std::min<int64_t>(s.inner - c, kColumns);
      double result[kColumns];
      for (int64_t k = 0; k < columns; k++) result[k] = 1;
      const T* row = x + o * s.reduce * s.inner + c;
      for (int64_t r = 0; r < s.reduce; r++, row += s.inner) {
        for (int64_t k = 0; k < columns; k++) result[k] *= static_cast<double>(row[k]);
      }
      for (int64_t k = 0; k < columns; k++) y[o * s.inner + c + k] = finish(result[k]);
    }
  });
  return Status::Ok;
}

template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
  using Type = vf32;
};
template <>
struct VectorOf<int32_t> {
  using Type = vi32;
};

template <bool kLargest, class T>
TFJS_INLINE auto better(T a, T b) {
  if constexpr (kLargest) {
    return a > b;
  } else {
    return a < b;
  }
}

// For each of kCount vectors of columns the first row that is better than `best` and all before it; -1 if
// none.
template <bool kLargest, int kCount, class T>
TFJS_INLINE void find_best(const T* x, int64_t rows, int64_t stride, T* best, int32_t* row) {
  using Vector = typename VectorOf<T>::Type;
  Vector top[kCount];
  vi32 at[kCount];
  for (int v = 0; v < kCount; v++) {
    top[v] = load(best + v * kLanes);
    at[v] = splat(int32_t{-1});
  }
  for (int64_t r = 0; r < rows; r++, x += stride) {
    for (int v = 0; v < kCount; v++) {
      const Vector value = load(x + v * kLanes);
      const auto more = better<kLargest>(value, top[v]);
      top[v] = more ? value : top[v];
      at[v] = more ? splat(static_cast<int32_t>(r)) : at[v];
    }
  }
  for (int v = 0; v < kCount; v++) {
    store(best + v * kLanes, top[v]);
    store(row + v * kLanes, at[v]);
  }
}

constexpr int kArgVectors = 4;
constexpr int32_t kNone = 0x7fffffff;

// The better of two candidates and its row: of equals the first.
template <bool kLargest, class V, class I>
TFJS_INLINE void take_better(V& value, I& row, V other, I other_row) {
  const auto take = better<kLargest>(other, value) | ((other == value) & (other_row < row));
  value = take ? other : value;
  row = take ? other_row : row;
}

// The JavaScript kernels begin with the first element and take what compares better: of equals the first, and
// NaN only if it comes first. So do the lanes here, each from the first element of its column.
template <bool kLargest, class T>
[[gnu::noinline]] void arg_block(const T* x, int64_t rows, int64_t stride, int64_t columns, int64_t fold,
                                 int32_t* y) {
  T best[kArgVectors * kLanes];
  int32_t row[kArgVectors * kLanes];
  const int64_t width = fold * columns, wide = width < kLanes ? 0 : rows / fold;
  if (wide > 0) {
    if (columns == 1) {
      for (int64_t i = 0; i < width; i++) best[i] = x[0];
    } else {
      for (int64_t i = 0; i < width; i += columns) {
        for (int64_t c = 0; c < columns; c++) best[i + c] = x[c];
      }
    }
    int64_t i = 0;
    if (width == kArgVectors * kLanes) {
      find_best<kLargest, kArgVectors>(x, wide, fold * stride, best, row);
      i = width;
    }
    T last[kLanes];
    int32_t last_row[kLanes];
    const int64_t overlap = width - kLanes;
    if (i < width) __builtin_memcpy(last, best + overlap, sizeof last);
    for (; i + kLanes <= width; i += kLanes) {
      find_best<kLargest, 1>(x + i, wide, fold * stride, best + i, row + i);
    }
    if (i < width) {
      // The last vector overlaps the one before and finds the same in those lanes.
      find_best<kLargest, 1>(x + overlap, wide, fold * stride, last, last_row);
      __builtin_memcpy(best + overlap, last, sizeof last);
      __builtin_memcpy(row + overlap, last_row, sizeof last_row);
    }
    // From here on the place among all rows, or kNone.
    if (columns == 1) {
      for (int32_t f = 0; f < width; f++)
        row[f] = row[f] < 0 ? kNone : row[f] * static_cast<int32_t>(fold) + f;
    } else {
      for (int32_t f = 0; f < fold; f++) {
        int32_t* at = row + f * columns;
        for (int64_t c = 0; c < columns; c++)
          at[c] = at[c] < 0 ? kNone : at[c] * static_cast<int32_t>(fold) + f;
      }
    }
    int64_t parts = fold;
    for (; parts % 2 == 0; parts /= 2) {
      const int64_t half = parts / 2 * columns;
      int64_t k = 0;
      for (; k + kLanes <= half; k += kLanes) {
        auto value = load(best + k);
        vi32 at = load(row + k);
        take_better<kLargest>(value, at, load(best + half + k), load(row + half + k));
        store(best + k, value);
        store(row + k, at);
      }
      for (; k < half; k++) take_better<kLargest>(best[k], row[k], best[half + k], row[half + k]);
    }
    for (int64_t p = columns; p < parts * columns; p += columns) {
      for (int64_t c = 0; c < columns; c++) take_better<kLargest>(best[c], row[c], best[p + c], row[p + c]);
    }
  }
  for (int64_t c = 0; c < columns; c++) {
    T top = wide > 0 ? best[c] : x[c];
    int32_t at = wide > 0 ? row[c] : kNone;
    for (int64_t r = wide * fold; r < rows; r++) {
      const T value = x[r * stride + c];
      const bool more = better<kLargest>(value, top);
      top = more ? value : top;
      at = more ? static_cast<int32_t>(r) : at;
    }
    y[c] = at == kNone ? 0 : at;
  }
}

template <bool kLargest, class T>
TFJS_INLINE Status arg_best(const Args& args) {
  Shape s;
  if (!read_shape(args, s)) return Status::InvalidArgument;
  const T* x = args.inputs[0].as<T>();
  int32_t* y = args.outputs[0].i32();
  const Layout l = lay_out(s, kLanes, kArgVectors);
  const double numbers = static_cast<double>(s.reduce * l.strip);
  parallel_for(s.outer * l.strips, 5 + 0.1 * numbers, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) {
      const int64_t o = i / l.strips, c = i % l.strips * l.strip;
      arg_block<kLargest>(x + o * s.reduce * s.inner + c, s.reduce, s.inner,
                          std::min<int64_t>(s.inner - c, l.strip), l.fold, y + o * s.inner + c);
    }
  });
  return Status::Ok;
}

// Sums divided by `count`.
Status sum_of_floats(const Args& args, int64_t count) {
  return reduce<SumOfFloats>(args, args.outputs[0].f32(), [=](double sum) {
    return static_cast<float>(sum / static_cast<double>(count));
  });
}

struct Same {
  template <class T>
  [[gnu::always_inline]] T operator()(T x) const {
    return x;
  }
};

}  // namespace

Status Sum(const Args& args) {
  const Tensor& y = args.outputs[0];
  switch (args.inputs[0].dtype) {
    case DType::Float32:
      return sum_of_floats(args, 1);
    case DType::Int32:
      return reduce<SumOfInts>(args, y.i32(), [](uint32_t sum) { return static_cast<int32_t>(sum); });
    case DType::Bool:
      break;
  }
  return Status::Unsupported;
}

Status Mean(const Args& args) {
  const Tensor& x = args.inputs[0];
  if (x.dtype != DType::Float32) return Status::Unsupported;
  return sum_of_floats(args, x.rank == 3 ? x.dims[1] : 1);
}

Status Max(const Args& args) {
  const Tensor& y = args.outputs[0];
  switch (args.inputs[0].dtype) {
    case DType::Float32:
      return reduce<LargestFloat>(args, y.f32(), Same{});
    case DType::Int32:
      return reduce<LargestInt>(args, y.i32(), Same{});
    case DType::Bool:
      return reduce<LargestBool>(args, y.u8(), Same{});
  }
  return Status::Unsupported;
}

Status Min(const Args& args) {
  const Tensor& y = args.outputs[0];
  switch (args.inputs[0].dtype) {
    case DType::Float32:
      return reduce<SmallestFloat>(args, y.f32(), Same{});
    case DType::Int32:
      return reduce<SmallestInt>(args, y.i32(), Same{});
    case DType::Bool:
      return reduce<SmallestBool>(args, y.u8(), Same{});
  }
  return Status::Unsupported;
}

// Of bool only: true is 1, so the smallest tells whether all are true.
Status All(const Args& args) {
  if (args.inputs[0].dtype != DType::Bool) return Status::Unsupported;
  return Min(args);
}

Status Any(const Args& args) {
  if (args.inputs[0].dtype != DType::Bool) return Status::Unsupported;
  return Max(args);
}

Status Prod(const Args& args) {
  switch (args.inputs[0].dtype) {
    case DType::Float32:
      return product<float>(args, [](double result) { return static_cast<float>(result); });
    case DType::Int32:
      return product<int32_t>(args, [](double result) { return wrap_to_int32(result); });
    case DType::Bool:
      break;
  }
  return Status::Unsupported;
}

Status ArgMax(const Args& args) {
  switch (args.inputs[0].dtype) {
    case DType::Float32:
      return arg_best<true, float>(args);
    case DType::Int32:
      return arg_best<true, int32_t>(args);
    case DType::Bool:
      break;
  }
  return Status::Unsupported;
}

Status ArgMin(const Args& args) {
  switch (args.inputs[0].dtype) {
    case DType::Float32:
      return arg_best<false, float>(args);
    case DType::Int32:
      return arg_best<false, int32_t>(args);
    case DType::Bool:
      break;
  }
  return Status::Unsupported;
}

}  // namespace tfjs::TFJS_ISA
