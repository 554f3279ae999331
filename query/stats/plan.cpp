#include "query/stats/plan.h"

#include <algorithm>
#include <utility>

#include "query/aggregate/aggregate.h"

namespace tocsin {
namespace {

bool is_from_counts(const Aggregate& aggregate, const StatsPlan::Feed& feed) {
  if (aggregate.kind == AggregateKind::kCount) return !feed.argument;
  return (aggregate.kind == AggregateKind::kMin || aggregate.kind == AggregateKind::kMax) &&
         feed.argument == kSourceTime;
}

}  // namespace

StatsPlan StatsPlan::compile(const StatsStage& stage, bool windowed, const TimeZone& zone,
                             Program& program) {
  StatsPlan plan;
  plan.stage = &stage;
  plan.windowed = windowed;
  plan.zone = zone;
  for (const GroupKey& key : stage.keys) {
    const NodeId node = program.columns.at(key.column);
    plan.keys.push_back({node, program.nodes[node].type, key.bucket});
  }
  for (uint32_t i = 0; i < stage.aggregates.size(); ++i) {
    const Aggregate& aggregate = stage.aggregates[i];
    Feed feed;
    if (aggregate.argument) feed.argument = program.add(*aggregate.argument);
    if (aggregate.where) feed.where = program.add(*aggregate.where);
    if (aggregate.time_column) feed.time = program.columns.at(*aggregate.time_column);
    const auto shared = std::ranges::find_if(plan.feeds, [&](const Feed& other) {
      return shares_values(aggregate.kind) &&
             shares_values(stage.aggregates[other.aggregates.front()].kind) &&
             other.argument == feed.argument && other.where == feed.where;
    });
    if (shared != plan.feeds.end()) {
      shared->aggregates.push_back(i);
      continue;
    }
    feed.aggregates = {i};
    feed.from_counts = is_from_counts(aggregate, feed);
    plan.feeds.push_back(std::move(feed));
  }
  return plan;
}

}  // namespace tocsin
