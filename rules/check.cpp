// Checks rule files without a database: queries are checked against an empty one.
#include "db/database.h"
#include "query/query.h"
#include "rules/engine.h"
#include "rules/lint.h"
#include "rules/rule_set.h"

namespace tocsin {
namespace {

// A database without measurements; supports only the calls that checking a query makes.
class EmptyDatabase final : public Database {
 public:
  const std::string& directory() const override { return directory_; }
  Status submit(WriteRequest, std::function<void(Result<WriteReport>)>) override {
    return unsupported();
  }
  Result<WriteReport> write(WriteRequest) override { return unsupported(); }
  Status seal() override { return unsupported(); }
  Status compact(ProgressFunction) override { return unsupported(); }
  Result<std::string> confirm_retention() override { return unsupported(); }
  std::shared_ptr<const Catalog> catalog() const override { return catalog_; }
  Result<Snapshot> snapshot(const SnapshotScope&) const override {
    Snapshot snapshot;
    snapshot.catalog = catalog_;
    return snapshot;
  }
  Result<std::vector<SegmentInfo>> segment_infos(const SnapshotScope&) const override {
    return std::vector<SegmentInfo>{};
  }
  Result<std::optional<std::string>> get(SmallTable, std::string_view) const override {
    return std::optional<std::string>{};
  }
  Result<std::vector<SmallEntry>> list(SmallTable, std::string_view, SmallRange) const override {
    return std::vector<SmallEntry>{};
  }
  Status change_options(const DatabaseOptions&) override { return unsupported(); }
  DatabaseCounters counters() const override { return {}; }

 private:
  static tl::unexpected<Error> unsupported() {
    return fail(ErrorCode::kUnsupported, "no database is open while rules are checked");
  }

  const std::string directory_;
  const std::shared_ptr<const Catalog> catalog_ = std::make_shared<Catalog>();
};

}  // namespace

RuleLoadReport check_rules(const std::vector<RuleFile>& files,
                           const std::map<std::string, Value>& parameters) {
  const EmptyDatabase database;
  const QueryEngine queries(database);
  RuleSetOptions options;
  options.parameters = parameters;
  options.now = SystemClock().now();
  RuleSet set = load_rule_set(files, {}, queries, options);
  RuleLoadReport report = std::move(set.report);
  for (const CompiledRule& compiled : set.rules) {
    const std::vector<std::string> advice = lint_rule(compiled);
    report.advice.insert(report.advice.end(), advice.begin(), advice.end());
  }
  report.schema_warnings.clear();  // nothing is stored here, so these mean nothing
  return report;
}

}  // namespace tocsin
