// Reads `inhibit_rules` of rule files.
#include "rules/inhibit.h"

namespace tocsin {
namespace {

constexpr const char* kInhibitKey = "inhibit_rules";

}  // namespace

std::vector<InhibitRule> read_inhibit_rules(Section& top, const std::string& file,
                                            Problems& problems) {
  std::vector<InhibitRule> out;
  top.each(kInhibitKey, [&](const YamlNode& node, const std::string& path) {
    const size_t problems_before = problems.lines().size();
    InhibitRule rule{file, node.position(), path, {}, {}, {}};
    Section section(node, path, problems);
    read_matchers(section, "source_matchers", true, problems, rule.source);
    read_matchers(section, "target_matchers", true, problems, rule.target);
    section.texts("equal", rule.equal);
    section.finish();
    if (problems.lines().size() == problems_before) out.push_back(std::move(rule));
  });
  return out;
}

}  // namespace tocsin
