// Which rules may inhibit which, as far as their files tell. Gives the order in which rules are
// evaluated: those that inhibit others first.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "rules/evaluate.h"
#include "rules/inhibit.h"

namespace tocsin {

class InhibitOrder {
 public:
  /// `rules` must outlive it.
  explicit InhibitOrder(const std::vector<CompiledRule>& rules)
      : rules_(rules), targets_(rules.size()) {}

  /// What an inhibit rule would do, given the rules that exist.
  struct Effect {
    bool has_source = false, has_target = false;  ///< some rule may match that side
    std::vector<std::string> cycle;  ///< names of rules: each would inhibit the next; else empty
  };
  /// Adds an inhibit rule, unless that would close a cycle. Rules that inhibit themselves are not
  /// a cycle: only some of their alerts are inhibited (Inhibitors::of).
  Effect add(const InhibitRule& inhibit);

  /// Indices of the rules: every rule after those that may inhibit it, else in their own order.
  std::vector<size_t> sorted() const;
  /// By rule: those that its alerts may inhibit.
  const std::vector<std::set<size_t>>& targets() const { return targets_; }

 private:
  std::vector<size_t> path(size_t from, size_t to) const;

  const std::vector<CompiledRule>& rules_;
  std::vector<std::set<size_t>> targets_;
};

}  // namespace tocsin
