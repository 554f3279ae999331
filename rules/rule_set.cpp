// Loads all rule files together: alert names are unique across files, and a broken file does not
// stop rules that run.
#include "rules/rule_set.h"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "rules/rule_file.h"

namespace tocsin {
namespace {

void add_texts(const std::vector<std::string>& texts, std::vector<std::string>& out) {
  out.insert(out.end(), texts.begin(), texts.end());
}

class Loader {
 public:
  Loader(const std::vector<const CompiledRule*>& previous, const QueryEngine& queries,
         const RuleSetOptions& options)
      : previous_(previous), queries_(queries), options_(options) {}

  RuleSet load(const std::vector<RuleFile>& files) {
    for (const RuleFile& file : files) load_file(file);
    for (const std::string& file : broken_) keep_previous_of(file);
    report_changes();
    return std::move(out_);
  }

 private:
  void load_file(const RuleFile& file) {
    ParsedRuleFile parsed = parse_rule_file(file);
    std::vector<std::string> errors = std::move(parsed.errors);
    for (const Rule& rule : parsed.rules) load_rule(rule, errors);
    if (!errors.empty()) {
      broken_.insert(file.name);
      out_.broken.emplace_back(file.name, errors.front());
    }
    std::move(errors.begin(), errors.end(), std::back_inserter(out_.report.errors));
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
    for (const CompiledRule* rule : previous_) {
      if (rule->rule.file != file || !names_.insert(rule->rule.name).second) continue;
      out_.rules.push_back(*rule);
    }
  }

  void report_changes() {
    std::map<std::string, const CompiledRule*> before;
    for (const CompiledRule* rule : previous_) before[rule->rule.name] = rule;
    for (const CompiledRule& rule : out_.rules) {
      const auto found = before.find(rule.rule.name);
      if (found == before.end()) {
        out_.report.added.push_back(rule.rule.name);
      } else if (!found->second->rule.same_as(rule.rule) ||
                 found->second->parameters != rule.parameters) {
        out_.report.changed.push_back(rule.rule.name);
      }
    }
    for (const CompiledRule* rule : previous_) {
      if (!names_.contains(rule->rule.name)) out_.report.removed.push_back(rule->rule.name);
    }
  }

  const std::vector<const CompiledRule*>& previous_;
  const QueryEngine& queries_;
  const RuleSetOptions& options_;
  std::map<std::string, std::string> places_;  // where each name is defined
  std::set<std::string> names_;                // of the rules that run
  std::set<std::string> broken_;
  RuleSet out_;
};

}  // namespace

RuleSet load_rule_set(const std::vector<RuleFile>& files,
                      const std::vector<const CompiledRule*>& previous, const QueryEngine& queries,
                      const RuleSetOptions& options) {
  return Loader(previous, queries, options).load(files);
}

}  // namespace tocsin
