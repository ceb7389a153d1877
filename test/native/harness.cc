#include "harness.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>
#include <new>
#include <numeric>
#include <set>
#include <sstream>

#include "core/aligned.h"
#include "core/cpu.h"
#include "parallel/parallel.h"

namespace tfjs::test {
namespace {

struct Options {
  std::string isa, filter;
  uint64_t seed = 0;
  int fuzz = 1;
  std::vector<int> threads;
};
Options options;

std::map<Op, std::vector<Cases>>& registry() {
  static std::map<Op, std::vector<Cases>> all;
  return all;
}

struct NamedGradient {
  const char* name;
  std::vector<std::vector<int64_t>> inputs;
  int of;
  Forward forward;
  Gradient gradient;
};
std::vector<NamedGradient>& gradients() {
  static std::vector<NamedGradient> all;
  return all;
}

std::string text(const std::vector<int64_t>& dims) {
  std::string s = "[";
  for (size_t i = 0; i < dims.size(); i++) s += (i ? "," : "") + std::to_string(dims[i]);
  return s + "]";
}

size_t element_size(DType dtype) { return dtype == DType::Bool ? 1 : 4; }

// A tensor in memory, `skew` elements behind a cache line's start, with guards on both sides.
class Buffer {
 public:
  static constexpr int kPlaces = 16;  // skews that are accepted

  Buffer(const Spec& spec, const std::vector<double>* values, int skew) : spec_(spec) {
    int64_t n = 1;
    for (int64_t d : spec.dims) n *= d;
    bytes_ = static_cast<size_t>(n) * element_size(spec.dtype);
    memory_ = static_cast<unsigned char*>(aligned_acquire(bytes_ + 2 * kGuard + 64));
    data_ = memory_ + kGuard + static_cast<size_t>(skew) * element_size(spec.dtype);
    std::memset(memory_, 0xA5, bytes_ + 2 * kGuard + 64);
    if (!values) return;
    for (size_t i = 0; i < values->size(); i++) {
      const double v = (*values)[i];
      if (spec.dtype == DType::Float32) reinterpret_cast<float*>(data_)[i] = static_cast<float>(v);
      if (spec.dtype == DType::Int32) reinterpret_cast<int32_t*>(data_)[i] = static_cast<int32_t>(v);
      if (spec.dtype == DType::Bool) data_[i] = static_cast<uint8_t>(v);
    }
  }
  Buffer(Buffer&& from) noexcept
      : spec_(from.spec_), bytes_(from.bytes_), memory_(from.memory_), data_(from.data_) {
    from.memory_ = nullptr;
  }
  ~Buffer() {
    if (memory_) aligned_release(memory_);
  }

  tfjs::Tensor tensor() const {
    tfjs::Tensor t{};
    if (spec_.absent) return t;
    t.data = data_;
    t.dtype = spec_.dtype;
    t.rank = static_cast<int>(spec_.dims.size());
    for (int i = 0; i < t.rank; i++) t.dims[i] = spec_.dims[static_cast<size_t>(i)];
    return t;
  }
  double at(size_t i) const {
    if (spec_.dtype == DType::Float32) return reinterpret_cast<const float*>(data_)[i];
    if (spec_.dtype == DType::Int32) return reinterpret_cast<const int32_t*>(data_)[i];
    return data_[i];
  }
  bool guards_whole() const {
    for (const unsigned char* p = memory_; p < data_; p++)
      if (*p != 0xA5) return false;
    for (const unsigned char* p = data_ + bytes_; p < memory_ + bytes_ + 2 * kGuard + 64; p++)
      if (*p != 0xA5) return false;
    return true;
  }
  bool same_bits(const Buffer& other) const { return std::memcmp(data_, other.data_, bytes_) == 0; }

 private:
  static constexpr size_t kGuard = 256;
  Spec spec_;
  size_t bytes_ = 0;
  unsigned char* memory_ = nullptr;
  unsigned char* data_ = nullptr;
};

std::vector<double> draw_values(const Spec& spec, std::mt19937_64& random) {
  if (!spec.values.empty()) return spec.values;
  int64_t n = 1;
  for (int64_t d : spec.dims) n *= d;
  std::vector<double> v(static_cast<size_t>(spec.absent ? 0 : n));
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> unit(0, 1);
  const float inf = std::numeric_limits<float>::infinity();
  const double specials[] = {std::nan(""), inf,    -inf, 0.0,   -0.0, 3e38, -3e38,
                             1e-30,        -1e-30, 88.5, -88.5, 1.0,  -1.0, 0.5};
  const double non_finite[] = {std::nan(""), inf, -inf, 0.0, -0.0};
  for (double& x : v) {
    switch (spec.dtype == DType::Float32 ? spec.fill : Fill::Whole) {
      case Fill::Normal:
        x = normal(random);
        break;
      case Fill::Positive:
        x = 0.1 + 3.9 * unit(random);
        break;
      case Fill::Unit:
        x = unit(random);
        break;
      case Fill::Special:
        x = unit(random) < 0.7 ? 4 * normal(random) : specials[random() % std::size(specials)];
        break;
      case Fill::NonFinite:
        x = unit(random) < 0.9 ? static_cast<double>(random() % 19) - 9
                               : non_finite[random() % std::size(non_finite)];
        break;
      case Fill::Sparse:
        x = std::max(0.0, normal(random));
        break;
      case Fill::Whole:
        x = spec.dtype == DType::Bool ? static_cast<double>(random() % 2)
                                      : static_cast<double>(random() % 19) - 9;
        break;
      case Fill::Distinct:
        break;
    }
    // The twin computes with what the kernel is given.
    if (spec.dtype == DType::Float32) x = static_cast<float>(x);
  }
  if (spec.fill == Fill::Distinct) {
    std::iota(v.begin(), v.end(), -static_cast<double>(v.size() / 2));
    std::shuffle(v.begin(), v.end(), random);
  }
  return v;
}

std::vector<Isa> isas() {
  std::vector<Isa> list;
  for (int i = 0; i < kIsaCount; i++) {
    const Isa isa = static_cast<Isa>(i);
    if (isa_available(isa) && (options.isa.empty() || options.isa == isa_name(isa))) list.push_back(isa);
  }
  return list;
}

// gamma_n of Higham, with the unit roundoff of float.
double gamma(double n) {
  const double u = std::ldexp(1.0, -24);
  return n * u / (1 - n * u);
}

// Compares one output with its twin; returns the largest error as a part of its bound.
double compare(const Buffer& got, const reference::Tensor& want, std::string& failure) {
  double worst = 0;
  for (size_t i = 0; i < want.value.size(); i++) {
    const double g = got.at(i), w = want.value[i];
    if (want.dtype == DType::Float32) {
      if (std::isnan(w) != std::isnan(g)) {
        failure =
            "element " + std::to_string(i) + " is " + std::to_string(g) + ", expected " + std::to_string(w);
        return INFINITY;
      }
      // Beyond float's range the kernel gives infinity.
      const float rounded = static_cast<float>(w);
      if (std::isnan(w) || static_cast<float>(g) == rounded) continue;
      const double magnitude = want.magnitude.empty() ? std::abs(w) : want.magnitude[i];
      // One rounding more for storing; denormals may be flushed in every term.
      const double bound =
          gamma(want.rounding_steps + 1) * magnitude + (want.rounding_steps + 1) * std::ldexp(1.0, -126);
      const double part = std::abs(g - w) / bound;
      worst = std::max(worst, part);
      if (!(part <= 1)) {
        char line[200];
        std::snprintf(line, sizeof line, "element %zu is %.9g, expected %.9g +- %.3g", i, g, w, bound);
        failure = line;
        return part;
      }
    } else if (g != w) {
      failure =
          "element " + std::to_string(i) + " is " + std::to_string(g) + ", expected " + std::to_string(w);
      return INFINITY;
    }
  }
  return worst;
}

reference::Function reference_of(Op op) {
  static constexpr reference::Function kFunctions[kOpCount] = {
#define OP(name, Params) reference::name,
#include "ops.def"
#undef OP
  };
  return kFunctions[static_cast<int>(op)];
}

std::vector<reference::Tensor> twin_inputs(const std::vector<Spec>& specs,
                                           const std::vector<std::vector<double>>& values) {
  std::vector<reference::Tensor> tensors(specs.size());
  for (size_t i = 0; i < specs.size(); i++) {
    tensors[i].dtype = specs[i].dtype;
    tensors[i].dims = specs[i].dims;
    tensors[i].value = values[i];
  }
  return tensors;
}

}  // namespace

std::vector<int64_t> edge_lengths() {
  return {0,  1,  2,  3,  4,  5,  7,   8,   9,   15,  16,  17,   31,    32,
          33, 47, 48, 63, 64, 65, 127, 128, 129, 255, 257, 1000, 100003};
}

int repeats() { return options.fuzz; }

Registration::Registration(Op op, Cases cases) { registry()[op].push_back(cases); }

GradientCheck::GradientCheck(const char* name, std::vector<std::vector<int64_t>> inputs, int of,
                             Forward forward, Gradient gradient) {
  gradients().push_back({name, std::move(inputs), of, std::move(forward), std::move(gradient)});
}

void Suite::run(std::vector<Spec> inputs, std::vector<Spec> outputs, std::vector<double> params) {
  cases_++;
  std::string label;
  std::vector<std::vector<double>> values;
  for (const Spec& spec : inputs) {
    label += (spec.absent ? "absent" : text(spec.dims)) + " ";
    values.push_back(draw_values(spec, random_));
  }
  label += "(";
  for (double p : params)
    label += " " + std::to_string(p).substr(0, std::to_string(p).find_last_not_of(".0") + 1);
  label += " )";
  auto fail = [&](Isa isa, int threads, const std::string& why) {
    failures_++;
    std::printf("FAIL %s %s, %s, %d threads: %s\n", kOps[static_cast<int>(op_)].name, label.c_str(),
                isa_name(isa), threads, why.c_str());
  };

  std::vector<reference::Tensor> expected =
      twin_inputs(outputs, std::vector<std::vector<double>>(outputs.size()));
  reference_of(op_)(twin_inputs(inputs, values), expected, params.data());

  const uint64_t placement = random_();
  std::vector<Buffer> first;
  for (Isa isa : isas()) {
    set_isa(isa);
    if (!same_bits_everywhere_) first.clear();
    for (int threads : options.threads) {
      set_thread_count(threads);
      // Elsewhere each time: where tensors lie must not show in the bits either.
      std::mt19937_64 place(placement + 256 * static_cast<uint64_t>(isa) + static_cast<uint64_t>(threads));
      auto skew = [&] { return static_cast<int>(place() % Buffer::kPlaces); };
      std::vector<Buffer> in, out;
      std::vector<tfjs::Tensor> tensors;
      for (size_t i = 0; i < inputs.size(); i++) in.emplace_back(inputs[i], &values[i], skew());
      for (const Spec& spec : outputs) out.emplace_back(spec, nullptr, skew());
      for (const Buffer& b : in) tensors.push_back(b.tensor());
      for (const Buffer& b : out) tensors.push_back(b.tensor());
      const Status status =
          run_op(op_, {tensors.data(), static_cast<int>(in.size()), tensors.data() + in.size(),
                       static_cast<int>(out.size()), params.data()});
      if (status != Status::Ok) {
        fail(isa, threads, "status " + std::to_string(static_cast<int>(status)));
        continue;
      }
      for (size_t i = 0; i < out.size(); i++) {
        std::string why;
        worst_ = std::max(worst_, compare(out[i], expected[i], why));
        if (!why.empty()) fail(isa, threads, "output " + std::to_string(i) + " " + why);
        if (!out[i].guards_whole())
          fail(isa, threads, "output " + std::to_string(i) + " was written outside of its bounds");
        if (!first.empty() && !out[i].same_bits(first[i]))
          fail(isa, threads, "other bits than on one thread or another instruction set");
      }
      for (size_t i = 0; i < in.size(); i++) {
        if (!in[i].guards_whole() || !in[i].same_bits(Buffer(inputs[i], &values[i], 0)))
          fail(isa, threads, "input " + std::to_string(i) + " was written to");
      }
      if (first.empty()) first = std::move(out);
    }
  }
}

namespace {

int check_gradients(std::mt19937_64& random) {
  int failures = 0;
  for (const NamedGradient& g : gradients()) {
    if (!options.filter.empty() && std::string(g.name).find(options.filter) == std::string::npos) continue;
    std::normal_distribution<double> normal;
    std::vector<reference::Tensor> inputs(g.inputs.size());
    for (size_t i = 0; i < inputs.size(); i++) {
      inputs[i].dims = g.inputs[i];
      inputs[i].clear();
      for (double& x : inputs[i].value) x = normal(random);
    }
    reference::Tensor dy = g.forward(inputs);
    for (double& x : dy.value) x = normal(random);
    const reference::Tensor gradient = g.gradient(inputs, dy);
    auto loss = [&] {
      const reference::Tensor y = g.forward(inputs);
      double sum = 0;
      for (size_t i = 0; i < y.value.size(); i++) sum += y.value[i] * dy.value[i];
      return sum;
    };
    double worst = 0;
    std::vector<double>& x = inputs[static_cast<size_t>(g.of)].value;
    bool sized = gradient.value.size() == x.size();
    for (size_t i = 0; sized && i < x.size(); i++) {
      // In double a step of 1e-5 leaves about 1e-10 of truncation and 1e-11 of rounding.
      const double at = x[i], h = 1e-5;
      x[i] = at + h;
      const double above = loss();
      x[i] = at - h;
      const double below = loss();
      x[i] = at;
      worst = std::max(worst, std::abs((above - below) / (2 * h) - gradient.value[i]));
    }
    const bool passed = sized && worst < 1e-7;
    if (!passed) failures++;
    std::printf("%s gradient of %s: largest difference to finite differences %.2g\n", passed ? "ok" : "FAIL",
                g.name, worst);
  }
  return failures;
}

}  // namespace

int run_all(int argc, char** argv) {
  options.seed = std::random_device{}();
  int max_threads = std::max(4, usable_cores());
  for (int i = 1; i < argc; i++) {
    const std::string arg = argv[i];
    auto next = [&] { return std::string(i + 1 < argc ? argv[++i] : ""); };
    if (arg == "--isa")
      options.isa = next();
    else if (arg == "--seed")
      options.seed = std::stoull(next());
    else if (arg == "--fuzz")
      options.fuzz = std::stoi(next());
    else if (arg == "--threads") {
      std::istringstream list(next());
      for (std::string n; std::getline(list, n, ',');) options.threads.push_back(std::stoi(n));
    } else if (arg[0] != '-')
      options.filter = arg;
    else {
      std::printf(
          "usage: native-tests [--isa NAME] [--threads N,N...] [--seed N] [--fuzz N] [part of an op's "
          "name]\n");
      return 2;
    }
  }
  if (options.threads.empty()) options.threads = {1, 2, max_threads};
  if (isas().empty()) {
    std::printf("no such instruction set on this CPU: %s\n", options.isa.c_str());
    return 2;
  }
  std::printf("seed %llu, executor %s, instruction sets", static_cast<unsigned long long>(options.seed),
              executor_name());
  for (Isa isa : isas()) std::printf(" %s", isa_name(isa));
  std::printf("\n");

  int cases = 0, failures = 0;
  for (int i = 0; i < kOpCount; i++) {
    const std::string name = kOps[i].name;
    if (!options.filter.empty() && name.find(options.filter) == std::string::npos) continue;
    const auto found = registry().find(static_cast<Op>(i));
    Suite suite(static_cast<Op>(i), options.seed + static_cast<uint64_t>(i));
    if (found != registry().end()) {
      for (Cases add : found->second) add(suite);
    }
    const bool passed = suite.cases() > 0 && suite.failures() == 0;
    std::printf("%s %s: %d cases, %d failures, largest error %.2f of its bound\n", passed ? "ok" : "FAIL",
                name.c_str(), suite.cases(), suite.failures(), suite.worst());
    std::fflush(stdout);
    cases += suite.cases();
    failures += suite.failures() + (suite.cases() == 0 ? 1 : 0);
  }
  std::mt19937_64 random(options.seed);
  failures += check_gradients(random);
  std::printf("%d cases, %d failures\n", cases, failures);
  return failures == 0 && cases > 0 ? 0 : 1;
}

}  // namespace tfjs::test

int main(int argc, char** argv) { return tfjs::test::run_all(argc, argv); }
