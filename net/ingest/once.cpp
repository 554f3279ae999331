// An entry is text: `1 UNTIL WRITTEN REJECTED` and a line `NUMBER UNPARSED REASON` for each
// problem.
#include "net/ingest/once.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

namespace tocsin {
namespace {

constexpr std::string_view kOncePrefix = "once/";
constexpr size_t kReasonBytesMax = 256;
constexpr size_t kExpiredPerCommit = 100;

std::string encode(Timestamp until, const TextOutcome& outcome) {
  std::string out = fmt::format("1 {} {} {}\n", until, outcome.rows_written, outcome.rows_rejected);
  for (const IngestProblem& problem : outcome.problems) {
    std::string reason = problem.reason.substr(0, kReasonBytesMax);
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    out += fmt::format("{} {} {}\n", problem.line, problem.unparsed ? 1 : 0, reason);
  }
  return out;
}

bool decode(const std::string& text, Timestamp& until, TextOutcome& outcome) {
  std::istringstream in(text);
  int version = 0;
  if (!(in >> version >> until >> outcome.rows_written >> outcome.rows_rejected) || version != 1)
    return false;
  IngestProblem problem;
  while (in >> problem.line >> problem.unparsed && in.get() == ' ' &&
         std::getline(in, problem.reason)) {
    outcome.problems.push_back(problem);
  }
  return true;
}

}  // namespace

Status OnceLog::load(const Database& database) {
  TOCSIN_TRY(const auto stored, database.list(SmallTable::kSources, kOncePrefix));
  for (const SmallEntry& small : stored) {
    Entry entry;
    const std::string key = small.key.substr(kOncePrefix.size());
    decode(small.value, entry.until, entry.outcome);  // a damaged entry is expired
    order_.emplace_back(entry.until, key);
    entries_.emplace(key, std::move(entry));
  }
  std::sort(order_.begin(), order_.end());
  return {};
}

OnceLog::State OnceLog::begin(const std::string& key, Timestamp now, TextOutcome& outcome) {
  const auto known = entries_.find(key);
  if (known != entries_.end() && known->second.until > now) {
    outcome = known->second.outcome;
    return State::kStored;
  }
  return in_flight_.insert(key).second ? State::kNew : State::kInFlight;
}

void OnceLog::end(const std::string& key, Timestamp until, const TextOutcome* outcome) {
  in_flight_.erase(key);
  if (outcome == nullptr) return;
  entries_[key] = {until, *outcome};
  order_.emplace_back(until, key);
}

SmallChange OnceLog::entry(const std::string& key, Timestamp until, const TextOutcome& outcome) {
  return {SmallTable::kSources, std::string(kOncePrefix) + key, encode(until, outcome)};
}

std::vector<SmallChange> OnceLog::expire(Timestamp now) {
  std::vector<SmallChange> changes;
  while (!order_.empty() && changes.size() < kExpiredPerCommit &&
         (order_.front().first <= now || entries_.size() > kOnceEntriesMax)) {
    const auto [until, key] = std::move(order_.front());
    order_.pop_front();
    const auto entry = entries_.find(key);
    // It may have been stored again, with a later end.
    if (entry == entries_.end() || entry->second.until != until || in_flight_.contains(key))
      continue;
    entries_.erase(entry);
    changes.push_back({SmallTable::kSources, std::string(kOncePrefix) + key, std::nullopt});
  }
  return changes;
}

}  // namespace tocsin
