// BatchMatMul and _FusedMatMul: products of the last two dimensions, broadcast over the others.
#include "core/params.h"
#include "core/tensor.h"
#include "gemm/gemm.h"
#include "kernels/activation.h"
#include "parallel/parallel.h"

namespace tfjs::TFJS_ISA {
namespace {

// Where the matrix of batch element `at` starts in an operand that is broadcast to the result's batch.
TFJS_INLINE int64_t matrix_offset(const Tensor& operand, const Tensor& result, int64_t at, int64_t size) {
  int64_t offset = 0;
  for (int d = result.rank - 3, skip = result.rank - operand.rank; d >= skip; d--) {
    const int64_t index = at % result.dims[d];
    at /= result.dims[d];
    if (operand.dims[d - skip] == 1) continue;
    offset += index * size;
    size *= operand.dims[d - skip];
  }
  return offset;
}

TFJS_INLINE bool broadcasts(const Tensor& operand, const Tensor& result) {
  if (operand.rank < 2 || operand.rank > result.rank) return false;
  for (int d = operand.rank - 3, c = result.rank - 3; d >= 0; d--, c--) {
    if (operand.dims[d] != 1 && operand.dims[d] != result.dims[c]) return false;
  }
  return true;
}

Status multiply(const Tensor& a, const Tensor& b, const Tensor& c, bool transpose_a, bool transpose_b,
                const Epilogue& epilogue) {
  if (!broadcasts(a, c) || !broadcasts(b, c)) return Status::InvalidArgument;
  const int64_t *a_dims = a.dims + a.rank - 2, *b_dims = b.dims + b.rank - 2, *c_dims = c.dims + c.rank - 2;
  Gemm g;
  g.m = a_dims[transpose_a ? 1 : 0];
  g.n = b_dims[transpose_b ? 0 : 1];
  g.k = a_dims[transpose_a ? 0 : 1];
  if (b_dims[transpose_b ? 1 : 0] != g.k || c_dims[0] != g.m || c_dims[1] != g.n) {
    return Status::InvalidArgument;
  }
  if (c.size() == 0) return Status::Ok;
  g.a = a.f32();
  g.lda = a_dims[1];
  g.transpose_a = transpose_a;
  g.b = b.f32();
  g.ldb = b_dims[1];
  g.transpose_b = transpose_b;
  g.c = c.f32();
  g.ldc = g.n;
  g.epilogue = epilogue;
  int64_t batch = 1, a_batch = 1, b_batch = 1;
  for (int d = 0; d < c.rank - 2; d++) batch *= c.dims[d];
  for (int d = 0; d < a.rank - 2; d++) a_batch *= a.dims[d];
  for (int d = 0; d < b.rank - 2; d++) b_batch *= b.dims[d];
  if (b_batch == 1 && a_batch == batch && !transpose_a) {
    // The matrices of a lie below each other: one tall product.
    g.m *= batch;
    batch = 1;
  }
  auto product = [&](int64_t at) {
    Gemm one = g;
    one.a += matrix_offset(a, c, at, g.m * g.k);
    one.b += matrix_offset(b, c, at, g.k * g.n);
    one.c += at * g.m * g.n;
    gemm(one);
  };
  if (batch == 1) {
    gemm(g);
    return Status::Ok;
  }
  const double nanoseconds =
      gemm_nanoseconds(static_cast<double>(g.m), static_cast<double>(g.n), static_cast<double>(g.k));
  if (batch < 2 * thread_count() && nanoseconds > 20 * detail::kWorthATask) {
    for (int64_t at = 0; at < batch; at++) product(at);
  } else {
    parallel_for(batch, nanoseconds, [&](int64_t begin, int64_t end) {
      for (int64_t at = begin; at < end; at++) product(at);
    });
  }
  return Status::Ok;
}

// The activations that the products have not applied yet.
void activate(const Fusion& fusion, const Tensor& c) {
  if (epilogue_of(fusion).clamp || fusion.activation == Activation::Linear) return;
  const int64_t columns = c.dims[c.rank - 1];
  if (columns == 0) return;
  parallel_for(c.size() / columns, 10 + 0.5 * static_cast<double>(columns), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      float* at = c.f32() + row * columns;
      activate_tile(fusion, &at, 1, 0, columns);
    }
  });
}

}  // namespace

Status BatchMatMul(const Args& args) {
  const BatchMatMulParams params = BatchMatMulParams::decode(args.params);
  return multiply(args.inputs[0], args.inputs[1], args.outputs[0], params.transposeA != 0,
                  params.transposeB != 0, Epilogue{});
}

Status _FusedMatMul(const Args& args) {
  const FusedMatMulParams params = FusedMatMulParams::decode(args.params);
  const Tensor& c = args.outputs[0];
  if (c.rank < 2) return Status::InvalidArgument;
  Scratch scratch;
  Fusion fusion;
  const Status status = read_fusion(scratch, args.inputs[2], args.inputs[3], params.activation,
                                    params.leakyreluAlpha, c.dims[c.rank - 1], &fusion);
  if (status != Status::Ok) return status;
  const Status multiplied = multiply(args.inputs[0], args.inputs[1], c, params.transposeA != 0,
                                     params.transposeB != 0, epilogue_of(fusion));
  if (multiplied == Status::Ok) activate(fusion, c);
  return multiplied;
}

}  // namespace tfjs::TFJS_ISA
