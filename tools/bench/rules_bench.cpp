// Times the shipped rules on a database: each rule's query for the window before a time, with empty
// caches, and then for the window one hour later, with the caches of the first run.
//
//   rules_bench DIR [2026-11-09T00:00:00Z]
//
// DIR is opened for reading. The default time is the end of the last full hour of the data.
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "config/settings.h"
#include "db/database.h"
#include "query/query.h"
#include "rules/evaluate.h"
#include "rules/rule_file.h"
#include "tools/wiring.h"

namespace tocsin {
namespace {

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

Result<std::vector<CompiledRule>> compile_rules(const QueryEngine& queries,
                                                const RuleEngineOptions& options, Timestamp now) {
  TOCSIN_TRY(const std::vector<RuleFile> files, read_rule_files({}));
  std::vector<CompiledRule> compiled;
  std::vector<std::string> errors;
  for (const RuleFile& file : files) {
    ParsedRuleFile parsed = parse_rule_file(file);
    errors.insert(errors.end(), parsed.errors.begin(), parsed.errors.end());
    for (const Rule& rule : parsed.rules) {
      auto one = compile_rule(rule, queries, options.parameters, options.zone, now, errors);
      if (one) compiled.push_back(std::move(*one));
    }
  }
  if (!errors.empty()) return fail(ErrorCode::kInvalid, errors.front());
  return compiled;
}

Result<Timestamp> last_hours(const Database& database) {
  TOCSIN_TRY(const std::vector<SegmentInfo> segments, database.segment_infos({{"audit"}, {}}));
  Timestamp last = 0;
  for (const SegmentInfo& segment : segments) last = std::max(last, segment.max_time);
  if (last == 0) return fail(ErrorCode::kNotFound, "the database has no events in `audit`");
  return last / kHour * kHour;
}

/// Evaluates each rule for its last window that ends at or before `now`.
Status evaluate_all(const std::vector<CompiledRule>& rules, const QueryEngine& queries,
                    Timestamp now, const char* title) {
  fmt::print("{}\n", title);
  double total = 0;
  for (const CompiledRule& compiled : rules) {
    const Timestamp end = now / compiled.rule.interval * compiled.rule.interval;
    const auto start = std::chrono::steady_clock::now();
    TOCSIN_TRY(const Evaluation evaluation, evaluate_rule(compiled, queries, end, {}));
    const double elapsed = milliseconds_since(start);
    fmt::print("  {:<22} {:>9.1f} ms {:>4} alerts\n", compiled.rule.name, elapsed,
               evaluation.rows.size());
    total += elapsed;
  }
  fmt::print("  {:<22} {:>9.1f} ms\n", "total", total);
  return {};
}

Status run(const std::string& directory, const std::string& time) {
  DatabaseOptions options;
  options.read_only = true;
  options.create = false;
  const auto start = std::chrono::steady_clock::now();
  TOCSIN_TRY(const std::unique_ptr<Database> database, Database::open(directory, options));
  fmt::print("opened in {:.1f} ms\n", milliseconds_since(start));
  TOCSIN_TRY(const Settings settings, load_settings(""));
  TOCSIN_TRY(Timestamp now, last_hours(*database));
  TOCSIN_TRY(const RuleEngineOptions rule_options, rule_engine_options(settings, now));
  if (!time.empty()) {
    TOCSIN_TRY(now, parse_time(time, rule_options.zone));
  }
  const QueryEngine queries(*database);
  TOCSIN_TRY(const std::vector<CompiledRule> rules, compile_rules(queries, rule_options, now));
  TOCSIN_RETURN_IF_ERROR(evaluate_all(rules, queries, now, "nothing remembered"));
  TOCSIN_RETURN_IF_ERROR(evaluate_all(rules, queries, now + kHour, "an hour later"));
  return {};
}

}  // namespace
}  // namespace tocsin

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fputs("usage: rules_bench DIR [TIME]\n", stderr);
    return 2;
  }
  const tocsin::Status status = tocsin::run(argv[1], argc == 3 ? argv[2] : "");
  if (!status) fmt::print(stderr, "rules_bench: {}\n", status.error().message);
  return status ? 0 : 1;
}
