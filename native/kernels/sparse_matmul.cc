// FusedSparseMatMul and MatMulRows: a dense layer on inputs of which many are zero, and its filter's
// gradient.
#include "core/params.h"
#include "core/tensor.h"
#include "gemm/columns.h"
#include "gemm/gemm.h"
#include "gemm/sparse.h"
#include "kernels/activation.h"
#include "parallel/parallel.h"
#include "simd/transpose.h"

namespace tfjs::TFJS_ISA {
namespace {

// What the product is cut into, by its shape alone: parts of the common dimension, such that a thread reads
// the same weights that it updates, and rows.
constexpr int64_t kParts = 4, kLeastDepth = 64, kRows = 64;

struct Cut {
  int64_t parts, row_blocks;
};

Cut cut(int64_t m, int64_t k) { return {k >= kParts * kLeastDepth ? kParts : 1, (m + kRows - 1) / kRows}; }

// c = activation(bias + sum of the parts).
void add_parts(const float* sums, int64_t parts, const Fusion& fusion, const Tensor& c) {
  const int64_t rows = c.dims[0], n = c.dims[1];
  const Epilogue e = epilogue_of(fusion);
  parallel_for(rows, 0.05 * static_cast<double>(parts * n), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      float* to = c.f32() + row * n;
      for (int64_t j = 0; j < n; j += kLanes) {
        const int64_t left = smaller(n - j, kLanes);
        vf32 y = e.bias == nullptr ? zero() : load_first(e.bias + j, left);
        for (int64_t part = 0; part < parts; part++)
          y += load_first(sums + (part * rows + row) * n + j, left);
        if (e.clamp) {
          y = splat(e.low) > y ? splat(e.low) : y;
          y = splat(e.high) < y ? splat(e.high) : y;
        }
        store_first(to + j, y, left);
      }
      if (!e.clamp) activate_tile(fusion, &to, 1, 0, n);
    }
  });
}

}  // namespace

Status FusedSparseMatMul(const Args& args) {
  const FusedMatMulParams params = FusedMatMulParams::decode(args.params);
  const Tensor &x = args.inputs[0], &w = args.inputs[1], &c = args.outputs[0];
  if (x.rank != 2 || w.rank != 2 || c.rank != 2 || x.dims[1] != w.dims[0] || c.dims[0] != x.dims[0] ||
      c.dims[1] != w.dims[1] || params.transposeA != 0 || params.transposeB != 0 || c.dims[1] < kLanes) {
    return Status::InvalidArgument;
  }
  const int64_t m = c.dims[0], n = c.dims[1], k = x.dims[1];
  Scratch scratch;
  Fusion fusion;
  const Status status = read_fusion(scratch, args.inputs[2], args.inputs[3], params.activation,
                                    params.leakyreluAlpha, n, &fusion);
  if (status != Status::Ok || m == 0) return status;
  const auto [parts, row_blocks] = cut(m, k);
  float* sums = scratch.get<float>(parts * m * n);
  const int64_t tasks = parts * row_blocks, shares = thread_count() < tasks ? thread_count() : tasks;
  parallel_tasks(shares, [&, parts = parts, row_blocks = row_blocks](int64_t share) {
    for (int64_t task = tasks * share / shares; task < tasks * (share + 1) / shares; task++) {
      const int64_t part = task / row_blocks, block = task % row_blocks;
      const int64_t first = k * part / parts, row = m * block / row_blocks;
      multiply_sparse({m * (block + 1) / row_blocks - row, n, k * (part + 1) / parts - first,
                       x.f32() + row * k + first, k, w.f32() + first * n, n, sums + (part * m + row) * n, n});
    }
  });
  add_parts(sums, parts, fusion, c);
  return Status::Ok;
}

Status MatMulRows(const Args& args) {
  const Tensor &x = args.inputs[0], &y = args.inputs[1], &c = args.outputs[0];
  const int64_t first = MatMulRowsParams::decode(args.params).first;
  if (x.rank != 2 || y.rank != 2 || c.rank != 2 || x.dims[0] != y.dims[0] || c.dims[1] != y.dims[1] ||
      first < 0 || first + c.dims[0] > x.dims[1]) {
    return Status::InvalidArgument;
  }
  const int64_t rows = c.dims[0], n = c.dims[1], k = x.dims[0];
  if (c.size() == 0) return Status::Ok;
  const float* from = x.f32() + first;
  if (n < kPanel) {
    gemm({rows, n, k, from, x.dims[1], true, y.f32(), n, false, c.f32(), n, Epilogue{}});
    return Status::Ok;
  }
  Scratch scratch;
  float* turned = scratch.get<float>(rows * k);
  for (int64_t i = 0; i < k; i += kLanes) {
    for (int64_t j = 0; j < rows; j += kLanes) {
      transpose_tile(from + i * x.dims[1] + j, x.dims[1], turned + j * k + i, k, smaller(k - i, kLanes),
                     smaller(rows - j, kLanes));
    }
  }
  multiply_sparse({rows, n, k, turned, k, y.f32(), n, c.f32(), n});
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA
