// Checking rule files without a database: queries are checked against one that is empty.
#include "db/database.h"
#include "query/query.h"
#include "rules/engine.h"
#include "rules/rule_set.h"

namespace tocsin {
namespace {

// A database without measurements, as far as checking a query asks for one.
class EmptyDatabase final : public Database {
 public:
  const std::string& directory() const override { return directory_; }
  Status submit(WriteRequest, std::function<void(Result<WriteReport>)>) override { return none(); }
  Result<WriteReport> write(WriteRequest) override { return none(); }
  Status seal() override { return none(); }
  Status compact(ProgressFunction) override { return none(); }
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
  DatabaseCounters counters() const override { return {}; }

 private:
  static tl::unexpected<Error> none() {
    return fail(ErrorCode::kUnsupported, "no database is open: rules are only checked");
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
  RuleLoadReport report = load_rule_set(files, {}, queries, options).report;
  report.warnings.clear();  // that columns are unknown says nothing here
  return report;
}

}  // namespace tocsin
