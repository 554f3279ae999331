#include "query/query.h"

#include "query/check/prepare.h"
#include "query/explain.h"
#include "query/operator/detect_memory.h"
#include "query/operator/executor.h"
#include "query/operator/window_memory.h"
#include "query/parser/explain_word.h"

namespace tocsin {

struct QueryEngine::Memory {
  WindowMemory windows;
  DetectMemory detectors;
};

QueryEngine::QueryEngine(const Database& database)
    : database_(database), memory_(std::make_unique<Memory>()) {}

QueryEngine::~QueryEngine() = default;

Result<Plan> QueryEngine::prepare(std::string_view text, const QueryOptions& options,
                                  Diagnostic* diagnostic) const {
  return build_plan(text, *database_.catalog(), options, diagnostic);
}

Result<ResultTable> QueryEngine::execute(const Plan& plan, const QueryOptions& options) const {
  return execute_plan(database_, plan, options, &memory_->windows, &memory_->detectors);
}

Result<ResultTable> QueryEngine::run(std::string_view text, const QueryOptions& options,
                                     Diagnostic* diagnostic) const {
  if (explain_prefix(text) == 0) {
    TOCSIN_TRY(const Plan plan, prepare(text, options, diagnostic));
    return execute(plan, options);
  }
  Diagnostic found;
  const Result<Plan> plan = prepare(without_explain(text), options, &found);
  if (!plan) {
    if (diagnostic) *diagnostic = found;
    return fail(plan.error().code, found.render(text));
  }
  QueryOptions whole = options;
  whole.rows_max = 0;
  TOCSIN_TRY(const ResultTable result, execute(*plan, whole));
  return explain(*plan, result);
}

}  // namespace tocsin
