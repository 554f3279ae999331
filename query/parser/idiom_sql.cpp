// Idioms of SQL.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "query/parser/idiom.h"
#include "query/parser/lexer.h"
#include "query/parser/syntax_error.h"

namespace tocsin {
namespace {

bool is_descending(std::string_view word) { return word == "desc" || word == "descending"; }
bool is_direction(std::string_view word) {
  return is_descending(word) || word == "asc" || word == "ascending";
}

// The column at the end of `text`, as written.
std::string_view last_column(std::string_view text) {
  size_t start = text.size();
  if (text.ends_with('`')) {
    start = text.rfind('`', text.size() - 2);
    if (start == std::string_view::npos) return {};
  } else {
    while (start > 0 && (is_word_character(text[start - 1]) || text[start - 1] == '.')) --start;
  }
  return text.substr(start);
}

}  // namespace

std::optional<Advice> sql_query(const Place& place) {
  if (!place.expects(expected::kSource) || place.lower_word != "select") return std::nullopt;
  return Advice{"this looks like SQL; a Tocsin query starts with `from`, followed by stages",
                "write `from audit last 1h | where status == \"FAILED\" | stats n = count() by "
                "service` instead of `SELECT … FROM … WHERE … GROUP BY …`",
                place.word.size()};
}

std::optional<Advice> sql_condition(const Place& place) {
  if (!place.expects(expected::kOperator)) return std::nullopt;
  const size_t length = place.word.size();
  if (place.lower_word == "like" || place.lower_word == "ilike" || place.lower_word == "rlike") {
    const std::string message =
        fmt::format("`{}` is SQL; in Tocsin `=~` matches a pattern", place.word);
    if (place.lower_word == "ilike") {
      return Advice{message,
                    "write `service icontains \"pay\"` for ILIKE '%pay%', or `service =~ "
                    "\"(?i)^pay\"` for ILIKE 'pay%'",
                    length};
    }
    return Advice{message,
                  "write `service contains \"pay\"` for LIKE '%pay%', or `service =~ \"^pay\"` for "
                  "LIKE 'pay%'",
                  length};
  }
  if (place.lower_word == "is") {
    return Advice{"`is null` is SQL", "write `not exists(x)`, or `exists(x)` for `is not null`",
                  length};
  }
  if (place.lower_word == "between") {
    return Advice{"`between` is only for the time range of the source", "write `x >= 1 and x <= 5`",
                  length};
  }
  return std::nullopt;
}

std::optional<Advice> alias(const Place& place) {
  if (place.lower_word != "as") return std::nullopt;
  return Advice{"`as` is SQL; in Tocsin the name of a result comes first",
                "write `n = count()` instead of `count() as n`", 2};
}

std::optional<Advice> count_distinct(const Place& place) {
  constexpr std::string_view kDistinct = "distinct";
  const std::string_view word = place.last_word();
  if (lower_case(word) != kDistinct) return std::nullopt;
  const std::string call = lower_case(place.before.substr(0, place.before.size() - word.size()));
  if (!trimmed_end(call).ends_with("count(")) return std::nullopt;
  const size_t back = place.offset - place.before.size() + word.size();
  return Advice{"`count(distinct x)` is SQL; in Tocsin it is a separate aggregate",
                fmt::format("write `count_distinct({})`",
                            place.word.empty() ? std::string_view("x") : place.word),
                back + place.word.size(), back};
}

std::optional<Advice> case_when(const Place& place) {
  const std::string_view word = place.last_word();
  if (lower_case(word) != "case" || !place.expects(expected::kOperator)) return std::nullopt;
  if (place.word.empty() || is_reserved_word(place.word)) return std::nullopt;
  const size_t back = place.offset - place.before.size() + word.size();
  return Advice{
      "`case when` is SQL; in Tocsin use the function `if`",
      "write `if(status == \"FAILED\", 1, 0)`; for more cases replace the 0 with another `if`",
      place.lower_word == "when" ? back + place.word.size() : word.size(), back};
}

std::optional<Advice> sort_direction(const Place& place) {
  const std::string_view stage = place.stage();
  if ((stage != "sort" && stage != "top") || !place.expects("`,`")) return std::nullopt;
  std::string_view column = last_column(place.before);
  std::string direction = place.lower_word;
  size_t back = 0, length = place.word.size();
  if (is_direction(lower_case(column)) && !place.word.empty()) {  // `sort desc time`
    direction = lower_case(column);
    back = place.offset - place.before.size() + column.size();
    length = column.size();
    column = place.word;
  } else if (!is_direction(direction)) {
    return std::nullopt;
  }
  const bool top = stage == "top";
  const bool wants_minus = top != is_descending(direction);
  const std::string ours =
      fmt::format("{} {}{}", top ? "top 5 by" : "sort", wants_minus ? "-" : "", column);
  return Advice{
      top ? "`top` selects the largest values; a `-` before the column selects the smallest"
          : "`sort` is ascending; a `-` before the column makes it descending",
      column.ends_with('`') ? "write " + ours : fmt::format("write `{}`", ours), length, back};
}

std::optional<Advice> row_offset(const Place& place) {
  const bool word = place.lower_word == "offset" || place.lower_word == "skip";
  const bool after_limit = place.expects(expected::kPipe) && place.stage() == "limit" &&
                           (word || place.rest.starts_with(","));
  if (!after_limit && !(word && place.expects(expected::kStage))) return std::nullopt;
  return Advice{"`limit` has no offset: it keeps the first rows",
                "for the next rows, continue after the time of the last row that you have: "
                "`| where time > 2026-11-24T10:04:05Z | limit 10`",
                std::max<size_t>(1, place.word.size())};
}

}  // namespace tocsin
