#include "query/parser/syntax_error.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/text.h"
#include "query/function/functions.h"
#include "query/parser/idiom.h"
#include "query/parser/lexer.h"

namespace tocsin {
namespace {

constexpr const char* kStartHint =
    "for example: from audit last 1h | where status == \"FAILED\" | limit 10";

std::optional<Advice> selector(const Place& place) {
  if (!place.rest.starts_with("{")) return std::nullopt;
  return Advice{
      "`{label=\"value\"}` is PromQL or LogQL; in Tocsin conditions go into a `where` stage",
      "write `from audit last 1h | where service == \"pay\"`", 1};
}

std::optional<Advice> range_vector(const Place& place) {
  if (!place.rest.starts_with("[")) return std::nullopt;
  if (place.expects("`(`"))
    return Advice{"a list is written in parentheses", "write `x in (1, 2)`", 1};
  return Advice{"`[5m]` is PromQL; in Tocsin the time range follows the source",
                "write `from audit last 5m | stats n = count() by service`; for a rate, add "
                "`| let rate = n / 300`",
                std::min(place.rest.find(']'), place.rest.size() - 1) + 1};
}

std::optional<Advice> logsql_time(const Place& place) {
  const size_t start = place.before.rfind("_time");
  const bool at_colon = place.rest.starts_with(":") && start != std::string_view::npos &&
                        start + 5 == place.before.size();
  if (!at_colon && place.word != "_time") return std::nullopt;
  return Advice{"`_time:5m` is LogsQL; in Tocsin the time range follows the source",
                "write `from audit last 5m`", at_colon ? 1 : place.word.size()};
}

std::optional<Advice> line_filter(const Place& place) {
  for (const auto& [op, ours] : {std::pair{"|=", "contains"}, std::pair{"|~", "=~"}}) {
    if (!place.rest.starts_with(op)) continue;
    return Advice{fmt::format("`{}` is LogQL; in Tocsin a `where` stage filters", op),
                  fmt::format("write `| where message {} \"text\"`", ours), 2};
  }
  return std::nullopt;
}

std::optional<Advice> foreign_operator(const Place& place) {
  struct Entry {
    const char* theirs;
    const char* ours;
  };
  static constexpr std::array<Entry, 7> kEntries = {{{"&&", "`and`"},
                                                     {"||", "`or`"},
                                                     {"**", "`pow(x, y)`"},
                                                     {"^", "`pow(x, y)`"},
                                                     {"~=", "`=~`"},
                                                     {"~", "`=~`"},
                                                     {"!", "`not`"}}};
  for (const Entry& entry : kEntries) {
    if (!place.rest.starts_with(entry.theirs)) continue;
    return Advice{fmt::format("`{}` is not an operator; write {}", entry.theirs, entry.ours), "",
                  std::string_view(entry.theirs).size()};
  }
  return std::nullopt;
}

// `message not contains "x"`: only `in` has a `not` of its own.
std::optional<Advice> misplaced_not(const Place& place) {
  if (place.lower_word != "not" || !place.expects(expected::kOperator)) return std::nullopt;
  struct Entry {
    std::string_view theirs;
    const char* ours;
  };
  static constexpr std::array<Entry, 5> kEntries = {{{"contains", "contains"},
                                                     {"icontains", "icontains"},
                                                     {"like", "contains"},
                                                     {"ilike", "icontains"},
                                                     {"=~", "=~"}}};
  const std::string_view next = trimmed_start(place.rest.substr(place.word.size()));
  size_t length = next.starts_with("=~") ? 2 : 0;
  while (length < next.size() && is_word_character(next[length])) ++length;
  const std::string comparison = lower_case(next.substr(0, length));
  for (const Entry& entry : kEntries) {
    if (comparison != entry.theirs) continue;
    return Advice{"`not` comes before the whole comparison",
                  fmt::format("write `not message {} \"text\"`", entry.ours), place.word.size()};
  }
  return std::nullopt;
}

std::optional<Advice> single_quotes(const Place& place) {
  if (!place.rest.starts_with("'")) return std::nullopt;
  const size_t close = place.rest.find_first_of("'\n", 1);
  const bool closed = close != std::string_view::npos && place.rest[close] == '\'';
  const std::string_view inner = closed ? place.rest.substr(1, close - 1) : "text";
  return Advice{"strings are written in double quotes",
                fmt::format("write {}", quote_string(inner)), closed ? close + 1 : 1};
}

// Typographic quotes, which word processors and chat programs substitute for straight ones.
size_t curly_quote_length(std::string_view text) {
  for (const std::string_view quote : {"“", "”", "„", "‟", "‘", "’", "‚", "«", "»"}) {
    if (text.starts_with(quote)) return quote.size();
  }
  return 0;
}

std::optional<Advice> curly_quotes(const Place& place) {
  const size_t open = curly_quote_length(place.rest);
  if (open == 0) return std::nullopt;
  size_t close = open;
  const auto ends = [&](char c) { return c == '"' || c == '\'' || c == '\n'; };
  while (close < place.rest.size() && !ends(place.rest[close]) &&
         curly_quote_length(place.rest.substr(close)) == 0) {
    ++close;
  }
  const std::string_view tail = place.rest.substr(close);
  const bool closed = !tail.empty() && tail[0] != '\n';
  const size_t close_length = std::max<size_t>(1, curly_quote_length(tail));
  return Advice{"strings are written in straight double quotes",
                fmt::format("write {}", quote_string(closed ? place.rest.substr(open, close - open)
                                                            : std::string_view("text"))),
                closed ? close + close_length : open};
}

// Characters from web pages, word processors and other keyboards that look like ours.
std::optional<Advice> look_alike(const Place& place) {
  struct Entry {
    std::string_view sign;
    const char* ours;
  };
  static constexpr std::array<Entry, 13> kEntries = {{{"–", "`-`"},
                                                      {"—", "`-`"},
                                                      {"−", "`-`"},
                                                      {"×", "`*`"},
                                                      {"÷", "`/`"},
                                                      {"≠", "`!=`"},
                                                      {"≤", "`<=`"},
                                                      {"≥", "`>=`"},
                                                      {"｜", "`|`"},
                                                      {"，", "`,`"},
                                                      {"\xC2\xA0", "an ordinary space"},
                                                      {"\xE2\x80\x8B", "an ordinary space"},
                                                      {"\xE3\x80\x80", "an ordinary space"}}};
  for (const Entry& entry : kEntries) {
    if (!place.rest.starts_with(entry.sign)) continue;
    const bool blank = entry.ours[0] == 'a';
    return Advice{blank ? "this is a special space character, as found on web pages"
                        : fmt::format("`{}` is not part of the language", entry.sign),
                  fmt::format("write {}", entry.ours), entry.sign.size()};
  }
  return std::nullopt;
}

// `größe`, `支払い`: names that need backticks.
std::optional<Advice> bare_name(const Place& place) {
  const auto in_name = [&](size_t i) {
    return is_word_character(place.text[i]) || static_cast<uint8_t>(place.text[i]) >= 0x80;
  };
  if (place.rest.empty() || static_cast<uint8_t>(place.rest[0]) < 0x80) return std::nullopt;
  size_t start = place.offset, end = place.offset;
  while (start > 0 && in_name(start - 1)) --start;
  while (end < place.text.size() && in_name(end)) ++end;
  const std::string_view name = place.text.substr(start, end - start);
  const std::string_view stage = place.stage();
  const bool string_possible = stage == "where" || stage == "let" || stage == "stats";
  return Advice{"a name with characters other than ASCII letters, digits and _ needs backticks",
                fmt::format("write `{}`", name) +
                    (string_possible ? ", or " + quote_string(name) + " if you mean a string" : ""),
                name.size(), place.offset - start};
}

std::optional<Advice> second_query(const Place& place) {
  if (!place.before.ends_with(';') || !place.expects(expected::kEnd)) return std::nullopt;
  return Advice{"nothing may follow the `;` that ends a query", "run one query at a time",
                std::max<size_t>(1, place.word.size())};
}

std::optional<Advice> upper_case(const Place& place) {
  static constexpr std::array<std::string_view, 17> kWords = {
      "and", "or",    "not",  "in",   "contains", "true", "false", "null",     "now",
      "by",  "where", "from", "last", "between",  "div",  "of",    "icontains"};
  const bool ours = std::find(kWords.begin(), kWords.end(), place.lower_word) != kWords.end() ||
                    is_stage_name(place.lower_word);
  if (!ours || place.word == place.lower_word) return std::nullopt;
  return Advice{fmt::format("keywords are lower-case: write `{}`", place.lower_word), "",
                place.word.size()};
}

std::optional<Advice> missing_pipe(const Place& place) {
  if (!place.expects(expected::kPipe) || place.word.empty()) return std::nullopt;
  const std::string_view word = place.word;
  if (is_stage_name(word)) {
    return Advice{fmt::format("a stage begins with `|`: write `| {}`", word), "", word.size()};
  }
  if (place.lower_word == "group") {
    return Advice{"`group by` is SQL; in Tocsin `by …` follows the aggregates",
                  "write `| stats n = count() by service`", word.size()};
  }
  if (place.lower_word == "having") {
    return Advice{"`having` is SQL; in Tocsin a `where` stage after `stats` filters the groups",
                  "write `| where n > 20`", word.size()};
  }
  if (place.lower_word == "order") {
    return Advice{"`order by` is SQL; in Tocsin the stage is `sort`", "write `| sort -total`",
                  word.size()};
  }
  if (place.lower_word == "if" && place.before.ends_with(")")) {
    return Advice{"the condition of an aggregate starts with `where`",
                  "write `count() where status == \"FAILED\"`", word.size()};
  }
  return std::nullopt;
}

std::optional<Advice> star_argument(const Place& place) {
  if (!place.rest.starts_with("*") || !place.before.ends_with("(")) return std::nullopt;
  return Advice{"`*` cannot be an argument", "write `count()` to count rows", 1};
}

std::optional<Advice> grouping_in_parentheses(const Place& place) {
  if (!place.rest.starts_with("(") || !lower_case(place.before).ends_with("by"))
    return std::nullopt;
  return Advice{"`by` lists its columns without parentheses", "write `by service, host`", 1};
}

std::optional<Advice> word_filter(const Place& place) {
  if (!place.rest.starts_with(":") || !place.expects(expected::kOperator)) return std::nullopt;
  return Advice{"`field:value` is LogsQL or Lucene; in Tocsin use a comparison",
                "write `status == \"FAILED\"`, or `message contains \"text\"`", 1};
}

std::optional<Advice> unknown_stage(const Place& place) {
  if (!place.expects(expected::kStage)) return std::nullopt;
  std::string stages;
  for (const StageEntry& entry : all_stages()) {
    stages += (stages.empty() ? "" : " ") + std::string(entry.documentation.name);
  }
  if (place.word.empty()) return Advice{"a stage must follow `|`", "the stages are: " + stages, 1};
  return Advice{fmt::format("`{}` is not a stage", place.word),
                did_you_mean(suggest_stage(place.word), "the stages are: " + stages),
                place.word.size()};
}

// `rate(x[5m])`, `sum by (job) (x)`, `up == 0`, `x[5m]`; `rest` follows the first word.
bool continues_promql(std::string_view rest) {
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  constexpr std::array<std::string_view, 10> kNext = {"(",  "[", "by (", "by(", "without (",
                                                      "==", "<", ">",    "!=",  "without("};
  return std::any_of(kNext.begin(), kNext.end(),
                     [&](std::string_view next) { return rest.starts_with(next); });
}

std::optional<Advice> no_source(const Place& place) {
  if (!place.expects(expected::kSource)) return std::nullopt;
  if (!place.word.empty() && continues_promql(place.rest.substr(place.word.size()))) {
    return Advice{
        "this looks like PromQL; a Tocsin query starts with its source, followed by stages",
        "write `from audit last 5m | stats n = count() by service | let rate = n / 300`",
        place.word.size()};
  }
  return Advice{"a query starts with its source: `from` and one or more measurements", kStartHint,
                std::max<size_t>(1, place.word.size())};
}

std::optional<Advice> bare_aggregate(const Place& place) {
  if (!place.expects(expected::kAggregate)) return std::nullopt;
  const bool is_name = !place.word.empty() && !is_reserved_word(place.word);
  const std::string near = is_name ? suggest_aggregate(place.word) : "";
  return Advice{"`stats` needs aggregates, like `total = count()` or `p95(duration_ms)`",
                near.empty() ? "write `| stats total = count() by service`"
                             : fmt::format("write `{}(…)`", near.substr(0, near.find('('))),
                std::max<size_t>(1, place.word.size())};
}

std::optional<Advice> computed_aggregate(const Place& place) {
  const bool after_aggregate = place.before.ends_with(")") && place.expects("`by`");
  if (!after_aggregate || std::string_view("+-*/%<>=").find(place.rest[0]) == std::string::npos) {
    return std::nullopt;
  }
  return Advice{"`stats` accepts only aggregates; compute with their results in a `let` stage",
                "write `| stats failed = count() where status == \"FAILED\", total = count() "
                "| let rate = failed / total`",
                1};
}

std::optional<Advice> sort_by(const Place& place) {
  if (place.lower_word != "by" || !place.expects(expected::kColumn)) return std::nullopt;
  return Advice{"`sort` is not followed by `by`", "write `sort -total, service`", 2};
}

std::optional<Advice> printed_name(const Place& place) {
  const bool after_name = !place.before.empty() && is_word_character(place.before.back());
  if (!place.rest.starts_with("(") || !after_name) return std::nullopt;
  return Advice{"expected the name of a column, not an expression",
                "put the name of an unnamed result in backticks, `p95(duration_ms)`, or name the "
                "result: p95 = p95(duration_ms)",
                1};
}

// In the order of trying: the more specific ones first.
constexpr std::array kIdioms = {&sql_query,        &selector,          &line_filter,
                                &range_vector,     &logsql_time,       &upper_case,
                                &single_quotes,    &curly_quotes,      &look_alike,
                                &bare_name,        &second_query,      &foreign_range,
                                &whole_unit,       &blank_in_time,     &bare_bucket,
                                &bucket_key,       &blank_in_duration, &count_distinct,
                                &case_when,        &sort_direction,    &row_offset,
                                &missing_pipe,     &sql_condition,     &alias,
                                &misplaced_not,    &star_argument,     &grouping_in_parentheses,
                                &foreign_operator, &word_filter,       &unknown_stage,
                                &no_source,        &bare_aggregate,    &computed_aggregate,
                                &sort_by,          &printed_name};

// The word or character at the place, for `found …`.
std::string_view found_token(const Place& place) {
  if (!place.word.empty()) return place.word;
  size_t length = 1;
  while (length < place.rest.size() && continues_character(place.rest[length])) {
    ++length;
  }
  return place.rest.substr(0, length);
}

// An example for a place where only one kind of token can follow; else empty.
std::string example_for(const Place& place) {
  const bool alone = place.choices.size() == 1;
  if (alone && place.expects("`(`") && place.follows("in")) return "write `x in (1, 2)`";
  if (alone && place.expects("`=`")) return "write `let seconds = duration_ms / 1000`";
  if (alone && place.expects("`by`")) return "write `top 5 by total`";
  if (alone && place.expects(expected::kMeasurement)) return "write `from audit, bpm last 1h`";
  if (place.expects(expected::kMeasurement)) return "write `from audit last 1h`";
  if (place.expects(expected::kStage))
    return "write `| limit 10`, or `| stats n = count() by service`";
  if (place.expects("`against`") || place.follows("against")) {
    return "write `diff against last 7d`, or `diff where status == \"FAILED\"`";
  }
  if (!place.expects(expected::kConstant)) return "";
  if (place.follows("last")) {
    return place.rest.starts_with("-") ? "`last 5m` already counts back from now"
                                       : "write `last 1h`";
  }
  if (place.follows("limit")) return "write `limit 10`";
  if (place.follows("top")) return "write `top 5 by total`";
  if (place.follows("baseline")) return "write `baseline 7d`";
  return "";
}

Advice generic(const Place& place) {
  const std::string choices = join_choices(place.choices);
  const std::string example = example_for(place);
  if (place.rest.empty()) return {"the query ends too early; expected " + choices, example, 1};
  const std::string_view token = found_token(place);
  if (token == ")" && !place.expects("`)`") && place.expects(expected::kEnd)) {
    return {"this `)` has no matching `(`", "remove it, or add the `(`", 1};
  }
  if (is_reserved_word(token) && place.expects(expected::kColumn)) {
    return {fmt::format("`{}` is a reserved word; expected {}", token, choices),
            fmt::format("write a column of that name in backticks: `{}`", token), token.size()};
  }
  return {fmt::format("expected {}; found `{}`", choices, token), example, token.size()};
}

}  // namespace

bool Place::expects(std::string_view choice) const {
  return std::find(choices.begin(), choices.end(), choice) != choices.end();
}

bool Place::follows(std::string_view wanted) const {
  return before.ends_with(wanted) &&
         (before.size() == wanted.size() ||
          !is_word_character(before[before.size() - wanted.size() - 1]));
}

std::string_view Place::last_word() const {
  size_t start = before.size();
  while (start > 0 && (is_word_character(before[start - 1]) || before[start - 1] == '.')) --start;
  return before.substr(start);
}

std::string_view Place::stage() const {
  const size_t pipe = before.rfind('|');
  if (pipe == std::string_view::npos) return {};
  const std::string_view after_pipe = before.substr(pipe + 1);
  const std::string_view name = after_pipe.substr(blank_length(after_pipe));
  return name.substr(0, identifier_length(name));
}

Place make_place(std::string_view text, size_t offset, const std::vector<std::string>& choices) {
  const std::string_view rest = text.substr(offset);
  const std::string_view word = rest.substr(0, identifier_length(rest));
  const std::string_view before = trimmed_end(text.substr(0, offset));
  return {text, offset, rest, word, lower_case(word), before, choices};
}

Diagnostic explain_syntax_error(std::string_view text, size_t offset,
                                const std::vector<std::string>& choices) {
  const Place place = make_place(text, offset, choices);
  std::optional<Advice> advice;
  if (!place.rest.empty()) {
    for (const auto idiom : kIdioms) {
      if ((advice = idiom(place))) break;
    }
  }
  if (!advice && place.expects(expected::kSource)) advice = no_source(place);
  if (!advice) advice = generic(place);
  Diagnostic diagnostic;
  diagnostic.message = std::move(advice->message);
  diagnostic.hint = std::move(advice->hint);
  diagnostic.expected = choices;
  diagnostic.locate(text, offset - advice->back, advice->length);
  return diagnostic;
}

}  // namespace tocsin
