#include "kernels/conv2d_max_pool.h"
namespace tfjs::TFJS_ISA {
bool conv2d_max_pool_few(const PooledConv2D&, const float*, const float*, const PooledResult&) {
  return false;
}
bool conv2d_max_pool_winograd(const PooledConv2D&, const float*, const float*, const PooledResult&) {
  return false;
}
bool conv2d_max_pool_grad_few(const PooledConv2D&, const PooledGradient&) { return false; }
}  // namespace tfjs::TFJS_ISA
