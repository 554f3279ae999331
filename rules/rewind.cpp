#include "rules/rewind.h"

#include <algorithm>

namespace tocsin {
namespace {

void rewind_instance(Timestamp end, Instance& instance) {
  LifecycleState& life = instance.life;
  for (Timestamp* time : {&life.pending_since, &life.firing_since, &life.last_match}) {
    *time = std::min(*time, end);
  }
  std::erase_if(instance.runs,
                [&](const MatchRun& run) { return run.closed && run.first_end > end; });
  for (MatchRun& run : instance.runs) {
    for (Timestamp* time : {&run.first_end, &run.last_end, &run.fired_at}) {
      *time = std::min(*time, end);
    }
  }
}

void rewind_evaluated(Timestamp end, Duration interval, std::vector<EvaluatedRun>& runs) {
  std::erase_if(runs, [&](const EvaluatedRun& run) { return run.first_end > end; });
  for (EvaluatedRun& run : runs) {
    const Timestamp last = std::min(run.last_end, end);
    run.last_end = last - (last - run.first_end) % interval;
  }
}

}  // namespace

bool is_ahead(const Cursor& cursor, Duration interval, Timestamp now) {
  return cursor.last_end > now + interval + kMinute;
}

void rewind_to(const ScheduleOptions& options, Timestamp now, RuleState& state) {
  Cursor& cursor = state.cursor;
  Timestamp end = first_cursor(options, now, 0).last_end;
  if (cursor.skipped_to > now) end = std::min(end, cursor.skipped_from);
  cursor = {.last_end = end, .history_end = std::min(cursor.history_end, end)};
  rewind_evaluated(end, options.interval, state.evaluated);
  rewind_instances(end, state);
}

void rewind_instances(Timestamp end, RuleState& state) {
  for (auto& [fingerprint, instance] : state.instances) rewind_instance(end, instance);
}

}  // namespace tocsin
