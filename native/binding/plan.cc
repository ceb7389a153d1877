#include "plan/plan.h"

#include <memory>
#include <new>

#include "binding/plan.h"

namespace {

using namespace tfjs;

// A plan, shared with the runs that are under way when JavaScript lets go of it.
struct Shared {
  plan::Plan plan;
  std::atomic<bool> stop{false};
};

template <class T>
T* pointer(double address) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}

// As src/compiler/plan.ts writes it.
plan::Run read_run(const double* from) {
  plan::Run r{};
  const auto real = [&] { return *from++; };
  const auto whole = [&] { return static_cast<int64_t>(*from++); };
  r.arena = pointer<char>(real());
  r.order = pointer<const uint32_t>(real());
  r.begin = whole();
  r.end = whole();
  r.batch = whole();
  r.max_steps = whole();
  r.seconds = real();
  const uint64_t low = static_cast<uint64_t>(whole()), high = static_cast<uint64_t>(whole());
  r.seed = low | high << 32;
  r.step = static_cast<uint64_t>(whole());
  for (int64_t n = whole(); n > 0; n--) {
    plan::Source source{};
    source.type = static_cast<plan::Source::Type>(whole());
    source.data = pointer<const void>(real());
    source.divisor = real();
    r.sources.push_back(source);
  }
  r.optimizer.op = static_cast<Op>(whole());
  r.optimizer.clip = static_cast<plan::Clip>(whole());
  r.optimizer.clip_value = real();
  for (int64_t n = whole(); n > 0; n--) r.optimizer.slots.push_back(whole());
  for (int64_t n = whole(); n > 0; n--) r.optimizer.params.push_back(real());
  for (int64_t n = whole(); n > 0; n--) r.optimizer.scalars.push_back(real());
  r.optimizer.iterations = whole();
  for (int64_t n = whole(); n > 0; n--) r.externals.push_back(pointer<char>(real()));
  for (int64_t n = whole(); n > 0; n--) r.outputs.push_back(pointer<char>(real()));
  return r;
}

// What JavaScript gets of a run.
Napi::Object outcome(Napi::Env env, const plan::Run& run) {
  Napi::Object result = Napi::Object::New(env);
  result["steps"] = static_cast<double>(run.steps_done);
  result["notFinite"] = run.not_finite;
  if (run.failed_op != nullptr) result["failedOp"] = run.failed_op;
  return result;
}

class RunWorker : public Napi::AsyncWorker {
 public:
  RunWorker(Napi::Env env, std::shared_ptr<Shared> shared, plan::Run run)
      : AsyncWorker(env, "tfjs-native training"),
        deferred_(Napi::Promise::Deferred::New(env)),
        shared_(std::move(shared)),
        run_(std::move(run)) {}

  void hold(Napi::Value results, Napi::Value others) {
    Napi::Array held = Napi::Array::New(Env());
    held[0u] = results;
    held[1u] = others;
    held_ = Napi::Persistent(held.As<Napi::Object>());
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    try {
      plan::run(shared_->plan, run_);
    } catch (const std::bad_alloc&) {
      SetError("out of memory");
    }
  }

  void OnOK() override { deferred_.Resolve(outcome(Env(), run_)); }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  std::shared_ptr<Shared> shared_;
  plan::Run run_;
  Napi::ObjectReference held_;
};

class Plan : public Napi::ObjectWrap<Plan> {
 public:
  explicit Plan(const Napi::CallbackInfo& info) : ObjectWrap(info), shared_(std::make_shared<Shared>()) {
    shared_->plan = plan::decode(info[0].As<Napi::Float64Array>().Data());
  }

  Napi::Value run(const Napi::CallbackInfo& info) {
    auto* worker = new RunWorker(info.Env(), shared_, prepare(info));
    // Memory that the run uses lives until it is done.
    worker->hold(info[1], info[2]);
    worker->Queue();
    return worker->promise();
  }

  Napi::Value run_sync(const Napi::CallbackInfo& info) {
    plan::Run r = prepare(info);
    try {
      plan::run(shared_->plan, r);
    } catch (const std::bad_alloc&) {
      throw Napi::Error::New(info.Env(), "out of memory");
    }
    return outcome(info.Env(), r);
  }

  void stop(const Napi::CallbackInfo&) { shared_->stop.store(true); }

 private:
  plan::Run prepare(const Napi::CallbackInfo& info) {
    plan::Run r = read_run(info[0].As<Napi::Float64Array>().Data());
    r.results = info[1].As<Napi::Float64Array>().Data();
    r.stop = &shared_->stop;
    shared_->stop.store(false);
    return r;
  }

  std::shared_ptr<Shared> shared_;
};

}  // namespace

Napi::Function plan_class(Napi::Env env) {
  return Napi::ObjectWrap<Plan>::DefineClass(
      env, "Plan",
      {Plan::InstanceMethod("run", &Plan::run), Plan::InstanceMethod("runSync", &Plan::run_sync),
       Plan::InstanceMethod("stop", &Plan::stop)});
}
