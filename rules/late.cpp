// Compares windows with segments to find late events. A segment records only the commit of its
// newest row, so some windows are re-evaluated needlessly, which is harmless.
#include "rules/late.h"

#include <algorithm>

#include <fmt/format.h>

namespace tocsin {
namespace {

void join_neighbours(std::vector<EvaluatedRun>& runs) {
  std::vector<EvaluatedRun> joined;
  for (size_t i = 0; i < runs.size(); i += 2) {
    EvaluatedRun run = runs[i];
    if (i + 1 < runs.size()) {
      run.last_end = runs[i + 1].last_end;
      run.commit_number = std::min(run.commit_number, runs[i + 1].commit_number);
    }
    joined.push_back(run);
  }
  runs = std::move(joined);
}

// Removes the window that ends at `end` from the runs.
void cut(std::vector<EvaluatedRun>& runs, Duration interval, Timestamp end) {
  for (size_t i = 0; i < runs.size(); ++i) {
    const EvaluatedRun run = runs[i];
    if (end < run.first_end || end > run.last_end) continue;
    runs.erase(runs.begin() + static_cast<ptrdiff_t>(i));
    auto place = runs.begin() + static_cast<ptrdiff_t>(i);
    if (end < run.last_end) {
      place = runs.insert(place, {end + interval, run.last_end, run.commit_number});
    }
    if (end > run.first_end) {
      runs.insert(place, {run.first_end, end - interval, run.commit_number});
    }
    return;
  }
}

}  // namespace

std::string rule_version_of(const Rule& rule, const std::map<std::string, Value>& parameters,
                            const TimeZone& zone) {
  GroupValues pieces = {{"interval", Value::duration(rule.interval)},
                        {"for", Value::duration(rule.hold)},
                        {"zone", Value::of(zone.name())}};
  if (!rule.starts_when.empty())
    pieces.emplace_back("starts_when", Value::of(rule.starts_when.text));
  const auto is_used = [&](const std::string& name) {
    return rule.expr.text.find('$' + name) != std::string::npos ||
           rule.starts_when.text.find('$' + name) != std::string::npos;
  };
  for (const auto& [name, value] : parameters) {
    if (!is_used(name)) continue;
    pieces.emplace_back(fmt::format("${} {}", name, name_of(value.type)), value);
  }
  return fingerprint(rule.expr.text, pieces);
}

void set_rule_version(RuleState& state, const std::string& version) {
  if (state.rule_version == version) return;
  state.rule_version = version;
  state.evaluated.clear();
}

void note_evaluated(std::vector<EvaluatedRun>& runs, Duration interval, Timestamp end,
                    uint64_t commit_number) {
  cut(runs, interval, end);
  const auto after =
      std::find_if(runs.begin(), runs.end(), [&](const auto& run) { return run.first_end > end; });
  if (after != runs.begin()) {
    EvaluatedRun& before = *(after - 1);
    if (before.commit_number == commit_number && before.last_end + interval == end) {
      before.last_end = end;
      return;
    }
  }
  runs.insert(after, {end, end, commit_number});
  if (runs.size() > kEvaluatedRunsMax) join_neighbours(runs);
}

void forget_evaluated(std::vector<EvaluatedRun>& runs, Duration interval, Timestamp oldest) {
  std::erase_if(runs, [&](const EvaluatedRun& run) { return run.last_end < oldest; });
  for (EvaluatedRun& run : runs) {
    if (run.first_end >= oldest) continue;
    run.first_end += (oldest - run.first_end + interval - 1) / interval * interval;
  }
}

std::vector<Timestamp> touched_windows(const std::vector<EvaluatedRun>& runs, Duration interval,
                                       Duration range, const std::vector<SegmentInfo>& segments,
                                       uint64_t settled_commit) {
  std::vector<Timestamp> ends;
  for (const EvaluatedRun& run : runs) {
    for (Timestamp end = run.first_end; end <= run.last_end; end += interval) {
      const TimeRange window{end - range, end};
      const bool touched = std::any_of(segments.begin(), segments.end(), [&](const SegmentInfo& s) {
        return s.commit_number > run.commit_number && s.commit_number <= settled_commit &&
               window.overlaps(s.min_time, s.max_time);
      });
      if (touched) ends.push_back(end);
    }
  }
  return ends;
}

}  // namespace tocsin
