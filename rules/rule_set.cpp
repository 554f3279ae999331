// Loads all rule files together: alert names are unique across files, and a broken file does not
// stop rules that run.
#include "rules/rule_set.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "rules/inhibit_order.h"
#include "rules/rule_file.h"

namespace tocsin {
namespace {

void add_texts(const std::vector<std::string>& texts, std::vector<std::string>& out) {
  out.insert(out.end(), texts.begin(), texts.end());
}

class Loader {
 public:
  Loader(const PreviousRules& previous, const QueryEngine& queries, const RuleSetOptions& options)
      : previous_(previous), queries_(queries), options_(options) {}

  RuleSet load(const std::vector<RuleFile>& files) {
    for (const RuleFile& file : files) load_file(file);
    for (const std::string& file : broken_) keep_previous_of(file);
    report_changes();
    add_inhibit_rules();
    return std::move(out_);
  }

 private:
  void load_file(const RuleFile& file) {
    ParsedRuleFile parsed = parse_rule_file(file, options_.zone);
    std::vector<std::string> errors = std::move(parsed.errors);
    for (const Rule& rule : parsed.rules) load_rule(rule, errors);
    load_silences(file.name, parsed, errors);
    for (const std::string& error : errors) note_broken(file.name, error);
    for (InhibitRule& rule : parsed.inhibit_rules) inhibit_rules_.push_back(std::move(rule));
    if (parsed.inhibit_rules_wrong) keep_inhibit_rules_of(file.name);
    std::move(errors.begin(), errors.end(), std::back_inserter(out_.report.errors));
  }

  void load_silences(const std::string& file, ParsedRuleFile& parsed,
                     std::vector<std::string>& errors) {
    if (parsed.silences_wrong) {
      parsed.silences.clear();
      std::copy_if(previous_.silences.begin(), previous_.silences.end(),
                   std::back_inserter(parsed.silences),
                   [&](const Silence& silence) { return silence.file == file; });
    }
    for (Silence& silence : parsed.silences) {
      const auto [earlier, is_new] = silence_files_.emplace(silence.id, file);
      if (!is_new) {
        errors.push_back(
            fmt::format("{}: the silence `{}` is already defined in {}; silences need "
                        "different names",
                        file, silence.id, earlier->second));
      } else if (out_.silences.size() == kFileSilencesMax) {
        errors.push_back(fmt::format("{}: at most {} silences are allowed in rule files", file,
                                     kFileSilencesMax));
        return;
      } else {
        if (state_at(silence, options_.now) == SilenceState::kExpired) {
          out_.report.warnings.push_back(
              fmt::format("{}: the silence `{}` ended at {} and can be removed", file, silence.id,
                          format_time_short(silence.until)));
        }
        out_.silences.push_back(std::move(silence));
      }
    }
    out_.report.silence_count = out_.silences.size();
  }

  void note_broken(const std::string& file, const std::string& error) {
    if (broken_.insert(file).second) out_.broken.emplace_back(file, error);
  }

  void keep_inhibit_rules_of(const std::string& file) {
    std::erase_if(inhibit_rules_, [&](const InhibitRule& rule) { return rule.file == file; });
    std::copy_if(previous_.inhibit_rules.begin(), previous_.inhibit_rules.end(),
                 std::back_inserter(inhibit_rules_),
                 [&](const InhibitRule& rule) { return rule.file == file; });
  }

  // Leaves out those that would close a cycle, and sorts the rules.
  void add_inhibit_rules() {
    InhibitOrder order(out_.rules);
    for (InhibitRule& rule : inhibit_rules_) {
      const std::string place = fmt::format("{}:{}:{}: {}", rule.file, rule.position.line,
                                            rule.position.column, rule.path);
      if (out_.inhibit_rules.size() == kInhibitRuleCountMax) {
        add_inhibit_error(rule, fmt::format("{}: at most {} inhibit rules are allowed", place,
                                            kInhibitRuleCountMax));
        break;
      }
      const InhibitOrder::Effect effect = order.add(rule);
      if (!effect.cycle.empty()) {
        add_inhibit_error(
            rule,
            fmt::format("{}: with this, alerts would inhibit each other in a circle: {}; name "
                        "the rules of one side by `alertname`, or add `alertname` to `equal`",
                        place, fmt::join(effect.cycle, " -> ")));
        continue;
      }
      const char* idle = !effect.has_source   ? "source_matchers"
                         : !effect.has_target ? "target_matchers"
                                              : nullptr;
      if (idle) {
        out_.report.warnings.push_back(
            fmt::format("{}:{}: {}: no rule has alerts that match `{}`, so it does nothing",
                        rule.file, rule.position.line, rule.path, idle));
      }
      out_.inhibit_rules.push_back(std::move(rule));
    }
    out_.report.inhibit_rule_count = out_.inhibit_rules.size();
    std::vector<CompiledRule> sorted;
    const std::vector<size_t> places = order.sorted();
    for (const size_t source : places) {
      for (const size_t target : order.targets()[source]) {
        out_.inhibits[out_.rules[source].rule.name].insert(out_.rules[target].rule.name);
      }
    }
    for (const size_t i : places) sorted.push_back(std::move(out_.rules[i]));
    out_.rules = std::move(sorted);
  }

  void add_inhibit_error(const InhibitRule& rule, const std::string& error) {
    note_broken(rule.file, error);
    out_.report.errors.push_back(error);
  }

  void load_rule(const Rule& rule, std::vector<std::string>& errors) {
    const auto [earlier, is_new] =
        places_.emplace(rule.name, fmt::format("{}:{}", rule.file, rule.position.line));
    if (!is_new) {
      errors.push_back(fmt::format(
          "{}:{}:{}: the alert `{}` is already defined at {}; alert names must be "
          "unique across all files",
          rule.file, rule.position.line, rule.position.column, rule.name, earlier->second));
      return;
    }
    auto compiled =
        compile_rule(rule, queries_, options_.parameters, options_.zone, options_.now, errors);
    if (!compiled) return;
    add_texts(compiled->warnings, out_.report.warnings);
    add_texts(compiled->schema_warnings, out_.report.schema_warnings);
    names_.insert(rule.name);
    out_.rules.push_back(*std::move(compiled));
  }

  void keep_previous_of(const std::string& file) {
    for (const CompiledRule* rule : previous_.rules) {
      if (rule->rule.file != file || !names_.insert(rule->rule.name).second) continue;
      out_.rules.push_back(*rule);
    }
  }

  void report_changes() {
    std::map<std::string, const CompiledRule*> before;
    for (const CompiledRule* rule : previous_.rules) before[rule->rule.name] = rule;
    for (const CompiledRule& rule : out_.rules) {
      const auto found = before.find(rule.rule.name);
      if (found == before.end()) {
        out_.report.added.push_back(rule.rule.name);
      } else if (!found->second->rule.same_as(rule.rule) ||
                 found->second->parameters != rule.parameters) {
        out_.report.changed.push_back(rule.rule.name);
      }
    }
    for (const CompiledRule* rule : previous_.rules) {
      if (!names_.contains(rule->rule.name)) out_.report.removed.push_back(rule->rule.name);
    }
  }

  const PreviousRules& previous_;
  const QueryEngine& queries_;
  const RuleSetOptions& options_;
  std::map<std::string, std::string> places_;         // where each name is defined
  std::map<std::string, std::string> silence_files_;  // by id
  std::set<std::string> names_;                       // of the rules that run
  std::set<std::string> broken_;
  std::vector<InhibitRule> inhibit_rules_;  // of all files
  RuleSet out_;
};

}  // namespace

RuleSet load_rule_set(const std::vector<RuleFile>& files, const PreviousRules& previous,
                      const QueryEngine& queries, const RuleSetOptions& options) {
  return Loader(previous, queries, options).load(files);
}

}  // namespace tocsin
