// Training plans as JavaScript objects.
#pragma once
#include <napi.h>

// The class Plan(description): run(request, results, held) -> Promise, runSync(request, results), stop().
Napi::Function plan_class(Napi::Env env);
