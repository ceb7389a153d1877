// What starting parallel work costs: prints one JSON line of microseconds. An argument "busy" keeps one core
// busy with another thread meanwhile, as a neighbour on a shared machine does.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "parallel/parallel.h"

namespace {

using Clock = std::chrono::steady_clock;

double microseconds(Clock::time_point since) {
  return std::chrono::duration<double, std::micro>(Clock::now() - since).count();
}

void spin_for(double us) {
  const auto start = Clock::now();
  while (microseconds(start) < us) {
  }
}

struct Figure {
  double median, worst;
};

template <class F>
Figure time_regions(int rounds, F&& region) {
  std::vector<double> us;
  for (int i = 0; i < rounds + rounds / 10; i++) {
    const auto start = Clock::now();
    region();
    if (i >= rounds / 10) us.push_back(microseconds(start));
  }
  std::sort(us.begin(), us.end());
  return {us[us.size() / 2], us.back()};
}

}  // namespace

int main(int argc, char** argv) {
  const bool busy = argc > 1 && std::strcmp(argv[1], "busy") == 0;
  tfjs::set_thread_count(2);
  std::atomic<bool> stop{false};
  std::thread neighbour;
  if (busy) {
    neighbour = std::thread([&] {
      while (!stop.load(std::memory_order_relaxed)) {
      }
    });
  }
  const Figure empty = time_regions(10000, [] { tfjs::parallel_tasks(2, [](int64_t) {}); });
  const Figure work =
      time_regions(busy ? 2000 : 10000, [] { tfjs::parallel_tasks(2, [](int64_t) { spin_for(100); }); });
  std::printf(
      "{\"executor\":\"%s\",\"busy\":%s,\"empty\":%.2f,\"emptyWorst\":%.0f,\"work100\":%.1f,\"work100Worst\":"
      "%.0f}\n",
      tfjs::executor_name(), busy ? "true" : "false", empty.median, empty.worst, work.median, work.worst);
  stop = true;
  if (busy) neighbour.join();
}
