#include "net/rejected/retry.h"

#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "db/limits.h"
#include "net/parse/line_origin.h"
#include "net/rejected/rejected_rows.h"

namespace tocsin {
namespace {

// Lines of one commit.
constexpr size_t kRetryBytes = 4 * kMiB;

// Ids are unique within a database. The source distinguishes rows that were imported from another.
using StoredLines = std::map<std::string, std::set<int64_t>, std::less<>>;

// Two retries at a time could store a line twice.
std::atomic<bool> retry_runs{false};

struct RetryEnd {
  ~RetryEnd() { retry_runs = false; }
};

class Retry {
 public:
  Retry(Database& database, const RetryOptions& options, StoredLines stored)
      : database_(database), options_(options), stored_(std::move(stored)) {}

  Status add(const RejectedRowView& row) {
    if (options_.stop != nullptr && options_.stop->load()) {
      return fail(ErrorCode::kCancelled,
                  fmt::format("the retry was stopped; {} lines were stored", report_.stored));
    }
    if (row.retried || !is_wanted(row)) return {};
    uint64_t* const skipped = reason_to_skip(row);
    if (skipped == nullptr) return parse(row);
    *skipped += static_cast<uint64_t>(row.count.value_or(0));
    return {};
  }

  /// Stores the rest.
  Result<RetryReport> finish() {
    for (auto& [policy, request] : requests_) TOCSIN_RETURN_IF_ERROR(write(policy));
    return report_;
  }

 private:
  /// The counter of lines that are skipped like this one; null if it is not.
  uint64_t* reason_to_skip(const RejectedRowView& row) {
    if (row.line.empty()) return &report_.counted;
    if (!row.id || row.origin.format.empty()) return &report_.unknown;
    if (row.cut) return &report_.cut;
    const auto stored = stored_.find(row.source);
    const bool is_stored = stored != stored_.end() && stored->second.contains(*row.id);
    return is_stored ? &report_.stored_before : nullptr;
  }

  bool is_wanted(const RejectedRowView& row) const {
    return (options_.source.empty() || row.source == options_.source) &&
           row.reason.find(options_.reason) != std::string_view::npos;
  }

  Status parse(const RejectedRowView& row) {
    const ConflictPolicy policy = conflict_policy_of(row.origin, row.line);
    WriteRequest& request = requests_.try_emplace(policy, make_request(policy)).first->second;
    const std::string_view line = request.batch.keep(std::string(row.line));
    const Status parsed = parse_line_again(row.origin, line, row.time, request.batch);
    if (!parsed) {
      reject_again(parsed.error().message);
      return {};
    }
    request.retried.push_back({*row.id, std::string(row.source), std::string(row.reason), line});
    return request.batch.byte_size() < kRetryBytes ? Status() : write(policy);
  }

  static WriteRequest make_request(ConflictPolicy policy) {
    WriteRequest request;
    request.batch = Batch(policy);
    return request;
  }

  void reject_again(const std::string& reason) {
    ++report_.rejected_again;
    if (report_.reasons.size() < kRetryReasonsMax) report_.reasons.push_back(reason);
  }

  Status write(ConflictPolicy policy) {
    WriteRequest request = std::exchange(requests_.at(policy), make_request(policy));
    const size_t lines = request.retried.size();
    if (lines == 0) return {};
    TOCSIN_TRY(const WriteReport written, database_.write(std::move(request)));
    for (const RejectedRow& row : written.rejected) reject_again(row.reason);
    report_.stored += lines - written.rejected.size();
    return {};
  }

  Database& database_;
  const RetryOptions& options_;
  const StoredLines stored_;
  std::map<ConflictPolicy, WriteRequest> requests_;
  RetryReport report_;
};

}  // namespace

Result<RetryReport> retry_rejected(Database& database, const RetryOptions& options) {
  if (retry_runs.exchange(true)) {
    return fail(ErrorCode::kBusy, "another retry is running; wait for its end");
  }
  const RetryEnd end;
  SnapshotScope scope;
  scope.measurements = {kRejectedMeasurement};
  TOCSIN_TRY(const Snapshot snapshot, database.snapshot(scope));
  StoredLines stored;
  TOCSIN_RETURN_IF_ERROR(visit_rejected(snapshot, [&](const RejectedRowView& row) -> Status {
    if (row.retried) stored[std::string(row.source)].insert(*row.retried);
    return {};
  }));
  Retry retry(database, options, std::move(stored));
  TOCSIN_RETURN_IF_ERROR(
      visit_rejected(snapshot, [&](const RejectedRowView& row) { return retry.add(row); }));
  return retry.finish();
}

}  // namespace tocsin
