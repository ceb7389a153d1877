// Scratch memory of a kernel: bump allocation from blocks that each thread keeps, released when the scope
// ends.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tfjs {

class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // Uninitialised, 64-byte aligned, with 64 readable bytes behind the end; throws std::bad_alloc.
  template <class T>
  [[gnu::always_inline]] T* get(int64_t count) {
    return static_cast<T*>(allocate(static_cast<size_t>(count) * sizeof(T)));
  }

 private:
  void* allocate(size_t bytes);
  size_t saved_block_, saved_used_;
};

}  // namespace tfjs
