// Memory aligned to a cache line, which is also the widest vector.
#pragma once
#include <cstddef>
#include <cstdlib>
#include <new>
#ifdef _WIN32
#include <malloc.h>
#endif

namespace tfjs {

constexpr size_t kAlignment = 64;

// Throws std::bad_alloc.
inline void* aligned_acquire(size_t bytes) {
  const size_t size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (size < bytes) throw std::bad_alloc();
#ifdef _WIN32
  void* memory = _aligned_malloc(size == 0 ? kAlignment : size, kAlignment);
#else
  void* memory = std::aligned_alloc(kAlignment, size == 0 ? kAlignment : size);
#endif
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

inline void aligned_release(void* memory) {
#ifdef _WIN32
  _aligned_free(memory);
#else
  std::free(memory);
#endif
}

}  // namespace tfjs
