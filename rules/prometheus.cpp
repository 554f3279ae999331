#include "rules/prometheus.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "query/parser/ast.h"

namespace tocsin {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array kTheirFilters = {
    Pair{"humanize", "round(1)"},          Pair{"humanize1024", "round(1)"},
    Pair{"humanizePercentage", "percent"}, Pair{"humanizeDuration", "duration"},
    Pair{"humanizeTimestamp", "time"},     Pair{"toTime", "time"},
};

constexpr std::array kTheirSeverities = {
    Pair{"info", "LOW"},       Pair{"low", "LOW"},           Pair{"notice", "LOW"},
    Pair{"none", "LOW"},       Pair{"ticket", "MEDIUM"},     Pair{"warning", "MEDIUM"},
    Pair{"warn", "MEDIUM"},    Pair{"medium", "MEDIUM"},     Pair{"minor", "MEDIUM"},
    Pair{"error", "HIGH"},     Pair{"high", "HIGH"},         Pair{"major", "HIGH"},
    Pair{"page", "CRITICAL"},  Pair{"critical", "CRITICAL"}, Pair{"emergency", "CRITICAL"},
    Pair{"fatal", "CRITICAL"},
};

constexpr std::array<std::string_view, 6> kGoActions = {"if",       "range",  "with",
                                                        "template", "printf", "query"};

template <size_t N>
std::string write_instead(const std::array<Pair, N>& known, std::string_view name) {
  for (const auto& [theirs, ours] : known) {
    if (name == theirs) return fmt::format("; write {}", ours);
  }
  return "";
}

std::string_view first_word(std::string_view text) {
  size_t end = 0;
  while (end < text.size() && is_word_character(text[end])) ++end;
  return text.substr(0, end);
}

// The column that `$labels.service` means.
std::string column_advice(std::string_view prefix, std::string_view column) {
  return fmt::format(
      "`{}` is from Prometheus; columns of the result have no prefix: write {{{{ {} }}}}", prefix,
      ast::print_name(column.empty() ? "service" : column));
}

}  // namespace

std::string go_template_advice(std::string_view inside) {
  for (const std::string_view prefix : {"$labels", ".Labels", "$.Labels"}) {
    if (!inside.starts_with(prefix)) continue;
    const std::string_view rest = inside.substr(prefix.size());
    return column_advice(prefix, first_word(rest.starts_with('.') ? rest.substr(1) : rest));
  }
  const std::string_view first = inside.substr(0, inside.find_first_of(" |"));
  if (first == "$value" || first == ".Value") {
    return fmt::format(
        "`{}` is from Prometheus; write the column that is the `value` of the rule, such as "
        "{{{{ failures }}}}",
        first);
  }
  if (inside.starts_with('.'))
    return "templates are not in Go's language; write an expression over the columns of the result";
  for (const std::string_view action : kGoActions) {
    if (first != action || first.size() == inside.size()) continue;
    return fmt::format(
        "`{}` is from Go's templates; write an expression, such as if(n > 5, \"many\", \"few\"), "
        "and filters after it, such as {{{{ rate | percent }}}}",
        action);
  }
  return "";
}

std::string filter_advice(std::string_view filter) { return write_instead(kTheirFilters, filter); }

std::string severity_advice(std::string_view severity) {
  return write_instead(kTheirSeverities, lower_case(severity));
}

}  // namespace tocsin
