#include "core/scratch.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <vector>

#include "core/aligned.h"

namespace tfjs {
namespace {

constexpr size_t kFirstBlock = size_t{1} << 20;
// What a thread keeps between kernels; more than that is given back.
constexpr size_t kKept = size_t{64} << 20;

struct Block {
  char* memory;
  size_t size;
};

struct Blocks {
  std::vector<Block> list;
  size_t block = 0, used = 0;  // the position of the next allocation
  int depth = 0;

  ~Blocks() { drop(0); }
  void drop(size_t from) {
    for (size_t i = from; i < list.size(); i++) aligned_release(list[i].memory);
    list.resize(std::min(list.size(), from));
  }
};

thread_local Blocks blocks;

}  // namespace

Scratch::Scratch() : saved_block_(blocks.block), saved_used_(blocks.used) { blocks.depth++; }

Scratch::~Scratch() {
  blocks.block = saved_block_;
  blocks.used = saved_used_;
  if (--blocks.depth > 0) return;
  size_t kept = 0, i = 0;
  while (i < blocks.list.size() && kept + blocks.list[i].size <= kKept) kept += blocks.list[i++].size;
  blocks.drop(i);
}

void* Scratch::allocate(size_t bytes) {
  if (bytes > SIZE_MAX / 2) throw std::bad_alloc();
  bytes = (bytes + 64 + 63) / 64 * 64;
  while (blocks.block < blocks.list.size() && blocks.used + bytes > blocks.list[blocks.block].size) {
    blocks.block++;
    blocks.used = 0;
  }
  if (blocks.block == blocks.list.size()) {
    const size_t last = blocks.list.empty() ? kFirstBlock / 2 : blocks.list.back().size;
    const size_t size = std::max(bytes, std::min(last * 2, kKept));
    char* memory = static_cast<char*>(aligned_acquire(size));
    try {
      blocks.list.push_back({memory, size});
    } catch (...) {
      aligned_release(memory);
      throw;
    }
    blocks.used = 0;
  }
  void* result = blocks.list[blocks.block].memory + blocks.used;
  blocks.used += bytes;
  return result;
}

}  // namespace tfjs
