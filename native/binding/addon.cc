// The Node-API surface: unpacks the frame, calls the op, throws nothing itself.
#include <napi.h>

#include <cstring>
#include <new>
#include <string>

#include "binding/plan.h"
#include "core/dispatch.h"
#include "core/winograd.h"
#include "parallel/parallel.h"

namespace {

using namespace tfjs;

// Doubles of the frame: op, counts, up to this many tensors of 3 + rank, parameters.
constexpr int kFrameLength = 4096;
constexpr int kMaxTensors = 256;

// What each environment (main thread or worker) has of its own.
struct Environment {
  double* frame = nullptr;
  Napi::Reference<Napi::Float64Array> frame_array;
};

Tensor read_tensor(const double*& from) {
  Tensor t;
  t.data = reinterpret_cast<void*>(static_cast<uintptr_t>(from[0]));
  t.dtype = static_cast<DType>(static_cast<int32_t>(from[1]));
  t.rank = static_cast<int>(from[2]);
  from += 3;
  for (int i = 0; i < t.rank; i++) t.dims[i] = static_cast<int64_t>(*from++);
  return t;
}

const char* status_text(Status status) {
  switch (status) {
    case Status::Ok:
      return nullptr;
    case Status::InvalidArgument:
      return "invalid argument";
    case Status::Unsupported:
      return "not supported for these arguments";
  }
  return "unknown status";
}

napi_value run(napi_env env, napi_callback_info) {
  Environment* environment = nullptr;
  napi_get_instance_data(env, reinterpret_cast<void**>(&environment));
  const double* from = environment->frame;
  const Op op = static_cast<Op>(static_cast<int32_t>(from[0]));
  const int inputs = static_cast<int>(from[1]), outputs = static_cast<int>(from[2]);
  from += 3;
  const char* failure = nullptr;
  Tensor tensors[kMaxTensors];
  if (static_cast<int32_t>(op) < 0 || op >= Op::Count || inputs < 0 || outputs < 0 ||
      inputs + outputs > kMaxTensors) {
    failure = "malformed call";
  } else {
    for (int i = 0; i < inputs + outputs; i++) tensors[i] = read_tensor(from);
    try {
      failure = status_text(run_op(op, {tensors, inputs, tensors + inputs, outputs, from}));
    } catch (const std::bad_alloc&) {
      failure = "out of memory";
    }
  }
  napi_value result = nullptr;
  if (failure != nullptr) napi_create_string_utf8(env, failure, NAPI_AUTO_LENGTH, &result);
  return result;
}

Napi::Value address_of(const Napi::CallbackInfo& info) {
  // Not by way of Napi::ArrayBuffer, which refuses shared memory.
  void* start = nullptr;
  napi_get_typedarray_info(info.Env(), info[0], nullptr, nullptr, &start, nullptr, nullptr);
  return Napi::Number::New(info.Env(), static_cast<double>(reinterpret_cast<uintptr_t>(start)));
}

// Copies memory: from, to and bytes of each piece, one after the other in the array.
void copy(const Napi::CallbackInfo& info) {
  const Napi::Float64Array pieces = info[0].As<Napi::Float64Array>();
  for (size_t i = 0; i + 2 < pieces.ElementLength(); i += 3) {
    const auto address = [&](size_t k) {
      return reinterpret_cast<void*>(static_cast<uintptr_t>(pieces[i + k]));
    };
    std::memcpy(address(1), address(0), static_cast<size_t>(pieces[i + 2]));
  }
}

Napi::Value configure(const Napi::CallbackInfo& info) {
  if (info[0].IsString()) {
    const std::string wanted = info[0].As<Napi::String>();
    for (int i = 0; i < kIsaCount; i++) {
      const Isa isa = static_cast<Isa>(i);
      if (wanted == isa_name(isa) && isa_available(isa)) set_isa(isa);
    }
  }
  if (info[1].IsNumber()) set_thread_count(info[1].As<Napi::Number>().Int32Value());
  if (info[2].IsString()) {
    const std::string wanted = info[2].As<Napi::String>();
    set_winograd(wanted == "0"   ? Winograd::Never
                 : wanted == "2" ? Winograd::Tiles2
                 : wanted == "4" ? Winograd::Tiles4
                 : wanted == "5" ? Winograd::Tiles5
                                 : Winograd::ByShape);
  }
  return info.Env().Undefined();
}

// Arguments as winograd_pooled_tile has them.
Napi::Value pooled_tile(const Napi::CallbackInfo& info) {
  const auto number = [&](size_t i) { return info[i].As<Napi::Number>().Int64Value(); };
  return Napi::Number::New(info.Env(),
                           winograd_pooled_tile(number(0), number(1), number(2), number(3), number(4)));
}

Napi::Value describe(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Array isas = Napi::Array::New(env);
  for (int i = 0; i < kIsaCount; i++) {
    if (isa_available(static_cast<Isa>(i))) isas[isas.Length()] = isa_name(static_cast<Isa>(i));
  }
  Napi::Object result = Napi::Object::New(env);
  result["isa"] = isa_name(current_isa());
  result["isas"] = isas;
  result["threads"] = thread_count();
  result["executor"] = executor_name();
  result["compiler"] = __VERSION__;
  return result;
}

Napi::Value op_specs(Napi::Env env) {
  Napi::Array ops = Napi::Array::New(env, kOpCount);
  for (int i = 0; i < kOpCount; i++) {
    Napi::Array params = Napi::Array::New(env);
    const std::string names = kOps[i].params;
    for (size_t from = 0, comma; (comma = names.find(',', from)) != std::string::npos; from = comma + 1) {
      params[params.Length()] = names.substr(from, comma - from);
    }
    Napi::Object spec = Napi::Object::New(env);
    spec["name"] = kOps[i].name;
    spec["params"] = params;
    ops[static_cast<uint32_t>(i)] = spec;
  }
  return ops;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* environment = new Environment;
  env.SetInstanceData(environment);
  Napi::Float64Array frame = Napi::Float64Array::New(env, kFrameLength);
  environment->frame = frame.Data();
  environment->frame_array = Napi::Persistent(frame);
  napi_value run_function;
  napi_create_function(env, "run", NAPI_AUTO_LENGTH, run, nullptr, &run_function);
  exports["ops"] = op_specs(env);
  exports["frame"] = frame;
  exports["run"] = Napi::Value(env, run_function);
  exports["addressOf"] = Napi::Function::New(env, address_of);
  exports["copy"] = Napi::Function::New(env, copy);
  exports["Plan"] = plan_class(env);
  exports["configure"] = Napi::Function::New(env, configure);
  exports["winogradPooledTile"] = Napi::Function::New(env, pooled_tile);
  exports["info"] = Napi::Function::New(env, describe);
  return exports;
}

}  // namespace

NODE_API_MODULE(tfjs_native, init)
