// A view of a dense row-major tensor: what every op takes and gives.
#pragma once
#include <cstdint>

namespace tfjs {

enum class DType : int32_t { Float32 = 0, Int32 = 1, Bool = 2 };

// TensorFlow.js goes up to rank 6; kernels may add two dimensions of their own.
constexpr int kMaxRank = 8;

struct Tensor {
  void* data;
  DType dtype;
  int rank;
  int64_t dims[kMaxRank];
  // A part of a larger tensor, of a plan: its memory is in no cache although it is small.
  bool far = false;

  template <class T>
  [[gnu::always_inline]] T* as() const {
    return static_cast<T*>(data);
  }
  [[gnu::always_inline]] float* f32() const { return static_cast<float*>(data); }
  [[gnu::always_inline]] int32_t* i32() const { return static_cast<int32_t*>(data); }
  [[gnu::always_inline]] uint8_t* u8() const { return static_cast<uint8_t*>(data); }
  [[gnu::always_inline]] int64_t size() const {
    // Wraps on the way where a dimension is 0 and others are huge.
    uint64_t n = 1;
    for (int i = 0; i < rank; i++) n *= static_cast<uint64_t>(dims[i]);
    return static_cast<int64_t>(n);
  }
};

// What an op is called with. Inputs, outputs and parameters are in the order that ops.def and params.h give;
// an absent optional input has data == nullptr and rank 0.
struct Args {
  const Tensor* inputs;
  int input_count;
  const Tensor* outputs;
  int output_count;
  const double* params;
};

enum class Status : int32_t { Ok, InvalidArgument, Unsupported };

using Kernel = Status (*)(const Args&);

}  // namespace tfjs
