#include "query/stats/tally_plan.h"

#include <algorithm>
#include <optional>

namespace tocsin {
namespace {

bool accepts_counted_rows(const Aggregate& aggregate, const StatsPlan::Feed& feed) {
  if (feed.from_counts) return true;
  switch (aggregate.kind) {
    case AggregateKind::kCount:
    case AggregateKind::kSum:
    case AggregateKind::kMean:
    case AggregateKind::kMin:
    case AggregateKind::kMax:
    case AggregateKind::kCountDistinct: return true;
    default: return false;
  }
}

class Collector {
 public:
  Collector(const Program& program, TallyPlan& plan)
      : program_(program), plan_(plan), seen_(program.nodes.size()) {}

  /// False if the node needs more than codes and the results of comparisons with time limits.
  bool add(NodeId id) {
    if (seen_[id]) return true;
    seen_[id] = 1;
    const Node& node = program_.nodes[id];
    switch (node.kind) {
      case Node::Kind::kLiteral:
      case Node::Kind::kNow: return true;
      case Node::Kind::kSource: return add_column(id, node);
      case Node::Kind::kCall: break;
    }
    if (const auto limit = time_limit(node)) {
      plan_.limits.push_back(*limit);
      return true;
    }
    return std::ranges::all_of(node.arguments, [&](NodeId argument) { return add(argument); });
  }

 private:
  bool add_column(NodeId id, const Node& node) {
    if (node.type != ValueType::kString) return false;
    if (id != kSourceMeasurement) plan_.columns.push_back(node.column);
    return true;
  }

  bool is_constant(NodeId id) const {
    const Node& node = program_.nodes[id];
    if (node.kind == Node::Kind::kSource) return false;
    return std::ranges::all_of(node.arguments,
                               [&](NodeId argument) { return is_constant(argument); });
  }

  std::optional<TallyPlan::TimeLimit> time_limit(const Node& node) const {
    const bool at = node.function == Function::kLess || node.function == Function::kGreaterEqual;
    const bool after = node.function == Function::kLessEqual || node.function == Function::kGreater;
    if ((!at && !after) || node.arguments.size() != 2) return std::nullopt;
    const bool mirrored = node.arguments[1] == kSourceTime;
    if (!mirrored && node.arguments[0] != kSourceTime) return std::nullopt;
    const NodeId limit = node.arguments[mirrored ? 0 : 1];
    if (!is_constant(limit) || program_.nodes[limit].type != ValueType::kTime) return std::nullopt;
    return TallyPlan::TimeLimit{limit, mirrored ? at : after};
  }

  const Program& program_;
  TallyPlan& plan_;
  std::vector<uint8_t> seen_;
};

}  // namespace

TallyPlan TallyPlan::of(const Program& program, const StatsPlan& stats) {
  TallyPlan plan;
  Collector collector(program, plan);
  for (const NodeId filter : program.filters) {
    if (!collector.add(filter)) return {};
  }
  for (const StatsPlan::Key& key : stats.keys) {
    if (key.bucket != 0) {
      if (key.node != kSourceTime) return {};
      plan.buckets.push_back(key.bucket);
    } else if (!collector.add(key.node)) {
      return {};
    }
  }
  for (const StatsPlan::Feed& feed : stats.feeds) {
    for (const uint32_t index : feed.aggregates) {
      if (!accepts_counted_rows(stats.stage->aggregates[index], feed)) return {};
    }
    if (feed.where && !collector.add(*feed.where)) return {};
    if (feed.argument == kSourceTime) {
      if (!feed.from_counts) return {};
      plan.needs_times = true;
    } else if (feed.argument && !collector.add(*feed.argument)) {
      return {};
    }
  }
  std::ranges::sort(plan.columns);
  plan.possible = true;
  return plan;
}

}  // namespace tocsin
