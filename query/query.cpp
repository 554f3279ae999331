#include "query/query.h"

#include "query/executor.h"
#include "query/window_memory.h"

namespace tocsin {

struct QueryEngine::Memory {
  WindowMemory windows;
};

QueryEngine::QueryEngine(const Database& database)
    : database_(database), memory_(std::make_unique<Memory>()) {}

QueryEngine::~QueryEngine() = default;

Result<ResultTable> QueryEngine::execute(const Plan& plan, const QueryOptions& options) const {
  return execute_plan(database_, plan, options, &memory_->windows);
}

Result<ResultTable> QueryEngine::run(std::string_view text, const QueryOptions& options,
                                     Diagnostic* diagnostic) const {
  TOCSIN_TRY(const Plan plan, prepare(text, options, diagnostic));
  return execute(plan, options);
}

}  // namespace tocsin
