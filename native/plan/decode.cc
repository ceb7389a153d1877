#include "plan/plan.h"

namespace tfjs::plan {
namespace {

class Reader {
 public:
  explicit Reader(const double* from) : from_(from) {}
  double real() { return *from_++; }
  int64_t whole() { return static_cast<int64_t>(*from_++); }
  int index() { return static_cast<int>(whole()); }
  template <class T>
  T code() {
    return static_cast<T>(index());
  }
  // Calls read() for each item of a list, which begins with its length.
  template <class T, class F>
  std::vector<T> list(F read) {
    const int64_t n = whole();
    std::vector<T> items;
    items.reserve(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; i++) items.push_back(read());
    return items;
  }

 private:
  const double* from_;
};

Value read_value(Reader& r) {
  Value v{};
  v.dtype = r.code<DType>();
  v.place = r.code<Place>();
  v.offset = r.whole();
  v.rows = r.whole();
  v.batch_dim = r.index();
  v.rank = r.index();
  for (int i = 0; i < v.rank; i++) v.dims[i] = r.whole();
  return v;
}

Call read_call(Reader& r) {
  Call c{};
  c.op = r.code<Op>();
  c.random = r.whole() != 0;
  c.inputs = r.list<int>([&] { return r.index(); });
  c.outputs = r.list<int>([&] { return r.index(); });
  c.params = r.list<double>([&] { return r.real(); });
  return c;
}

}  // namespace

Plan decode(const double* from) {
  Reader r(from);
  Plan p{};
  p.micro_rows = r.whole();
  p.scratch_bytes = r.whole();
  p.thread_bytes = r.whole();
  p.slices = r.whole();
  p.slice_bytes = r.whole();
  p.slice_offset = r.whole();
  p.weights_offset = r.whole();
  p.values = r.list<Value>([&] { return read_value(r); });
  p.inputs = r.list<Input>([&] {
    Input i{};
    i.kind = r.code<Input::Kind>();
    i.value = r.index();
    i.scale = r.real();
    return i;
  });
  p.thread_calls = r.list<Call>([&] { return read_call(r); });
  p.segments = r.list<Segment>([&] {
    Segment s{};
    s.micro = r.whole() != 0;
    s.closing = r.whole() != 0;
    s.calls = r.list<Call>([&] { return read_call(r); });
    return s;
  });
  p.gathering = static_cast<size_t>(r.whole());
  p.results = r.list<Result>([&] {
    Result x{};
    x.value = r.index();
    x.weights = r.index();
    x.to = r.index();
    x.scale = r.real();
    return x;
  });
  p.result_count = r.whole();
  p.parameters = r.list<Parameter>([&] {
    Parameter x{};
    x.offset = r.whole();
    x.length = r.whole();
    x.l1 = static_cast<float>(r.real());
    x.l2 = static_cast<float>(r.real());
    x.gradients = r.list<Gradient>([&] {
      Gradient g{};
      g.place = r.code<Place>();
      g.offset = r.whole();
      g.x = r.index();
      g.dy = r.index();
      return g;
    });
    return x;
  });
  p.outputs = r.list<int>([&] { return r.index(); });
  return p;
}

}  // namespace tfjs::plan
