// The grammar, in Boost.Spirit X3. Rules produce AST nodes. Terminals are plain functions
// (parse_state.cpp) that skip blanks and record what they expected; errors are reported at the
// farthest position that any alternative reached. Alternatives have at most a name as common
// prefix, so parsing takes linear time.
#include "query/parser/grammar.h"

#include <boost/fusion/include/at_c.hpp>
#include <boost/spirit/home/x3.hpp>
#include <fmt/format.h>

#include "query/base/limits.h"
#include "query/parser/lexer.h"
#include "query/parser/parse_state.h"
#include "query/parser/syntax_error.h"

namespace tocsin {
namespace {

namespace x3 = boost::spirit::x3;
using boost::fusion::at_c;

struct StateTag {};

template <class Context>
ParseState& state_of(const Context& context) {
  return x3::get<StateTag>(context).get();
}

// A terminal as an X3 parser. One with an empty `choice` is not mentioned in messages.
template <class V>
struct Token : x3::parser<Token<V>> {
  using attribute_type = V;
  static constexpr bool has_attribute = !std::is_same_v<V, NoValue>;
  static constexpr bool handles_container = false;

  Terminal<V> match;
  std::string_view word;
  std::string_view choice;

  constexpr Token(Terminal<V> m, std::string_view w, std::string_view c)
      : match(m), word(w), choice(c) {}

  template <class Context, class RuleContext, class Attribute>
  bool parse(const char*& first, const char* const&, const Context& context, RuleContext&,
             Attribute& attribute) const {
    ParseState& state = state_of(context);
    if (state.faulty()) return false;
    const char* position = first + blank_length(state.rest(first));
    V value{};
    size_t length = 0;
    if (!match(state, position, word, value, length)) {
      if (!state.faulty()) state.expect(position, choice);
      return false;
    }
    if constexpr (has_attribute && std::is_same_v<Attribute, V>) attribute = std::move(value);
    first = position + length;
    return true;
  }
};

constexpr Token<NoValue> symbol(std::string_view text, std::string_view choice) {
  return {match_symbol, text, choice};
}
constexpr Token<NoValue> keyword(std::string_view word, std::string_view choice) {
  return {match_keyword, word, choice};
}
constexpr Token<NoValue> stage_word(std::string_view word) {
  return {match_keyword, word, expected::kStage};
}

const auto comma = symbol(",", "`,`");
const auto open = symbol("(", "`(`");
const auto close = symbol(")", "`)`");
const auto equals = symbol("=", "`=`");
const auto minus = symbol("-", "");
const auto pipe = symbol("|", expected::kPipe);
const auto semicolon = symbol(";", "");
const Token<TextSpan> here{match_here, "", ""};
const Token<NoValue> end_of_text{match_end, "", expected::kEnd};

const Token<ast::Name> column{match_column, "", expected::kColumn};
const Token<ast::Name> measurement{match_measurement, "", expected::kMeasurement};
const Token<ast::Name> sensitivity{match_column, "", "`low`, `normal` or `high`"};
const Token<ast::Expression> constant{match_constant, "", expected::kConstant};

// All operands are `an expression` in messages.
const auto open_operand = symbol("(", expected::kExpression);
const Token<ast::Name> column_operand{match_column, "", expected::kExpression};
const Token<ast::Name> function_name{match_function, "", ""};
const Token<ast::Name> aggregate_name{match_function, "", expected::kAggregate};
const Token<ast::Expression> value{match_value, "", expected::kExpression};
const Token<ast::Expression> now_word{match_now, "", expected::kExpression};

const Token<OperatorToken> or_operator{match_word_operator, "or", expected::kOperator};
const Token<OperatorToken> and_operator{match_word_operator, "and", expected::kOperator};
const Token<OperatorToken> not_operator{match_word_operator, "not", ""};
const Token<OperatorToken> sum_operator{match_sum_operator, "", expected::kOperator};
const Token<OperatorToken> minus_prefix{[](ParseState& state, const char* position,
                                           std::string_view, OperatorToken& token, size_t& length) {
                                          NoValue none;
                                          if (!match_symbol(state, position, "-", none, length))
                                            return false;
                                          token = {Function::kNegate, state.span(position, length)};
                                          return true;
                                        },
                                        "", ""};
const Token<OperatorToken> product_operator{match_product_operator, "", expected::kOperator};
const Token<OperatorToken> comparison_operator{match_comparison, "", expected::kOperator};
const Token<OperatorToken> membership_operator{match_membership, "", expected::kOperator};

// Semantic actions: the parsed part becomes the rule's value, or a member of it.
const auto become = [](auto& context) { x3::_val(context) = std::move(x3::_attr(context)); };
template <auto Member>
const auto put = [](auto& context) { x3::_val(context).*Member = std::move(x3::_attr(context)); };
template <auto Member>
const auto put_true = [](auto& context) { x3::_val(context).*Member = true; };

// Appends to the list that is the rule's value or one of its members, up to kListCountMax.
template <class Context, class List>
void append_bounded(Context& context, List& list) {
  if (list.size() >= kListCountMax) {
    ParseState& state = state_of(context);
    state.fault(state.offset(x3::_where(context).begin()), 1,
                fmt::format("a list may have at most {} entries", kListCountMax));
    return;
  }
  list.push_back(std::move(x3::_attr(context)));
}
template <auto Member>
const auto append = [](auto& context) { append_bounded(context, x3::_val(context).*Member); };

const auto combine = [](auto& context) {
  x3::_val(context) =
      make_binary(state_of(context), at_c<0>(x3::_attr(context)), std::move(x3::_val(context)),
                  std::move(at_c<1>(x3::_attr(context))));
};
const auto prefix = [](auto& context) {
  x3::_val(context) = make_prefixed(state_of(context), at_c<0>(x3::_attr(context)),
                                    std::move(at_c<1>(x3::_attr(context))));
};
const auto combine_list = [](auto& context) {
  ParseState& state = state_of(context);
  x3::_val(context) =
      make_membership(state, at_c<0>(x3::_attr(context)), std::move(x3::_val(context)),
                      std::move(at_c<1>(x3::_attr(context))),
                      static_cast<uint32_t>(state.offset(x3::_where(context).begin())));
};
const auto reject_chain = [](auto& context) { fault_chain(state_of(context), x3::_attr(context)); };
const auto become_column = [](auto& context) {
  ast::Expression& expression = x3::_val(context);
  expression.kind = ast::Expression::Kind::kName;
  expression.name = std::move(x3::_attr(context).text);
  expression.span = expression.head = x3::_attr(context).span;
};
const auto become_call = [](auto& context) {
  ParseState& state = state_of(context);
  x3::_val(context) = make_call(state, std::move(at_c<0>(x3::_attr(context))),
                                std::move(at_c<1>(x3::_attr(context))),
                                static_cast<uint32_t>(state.offset(x3::_where(context).begin())));
};

// Spans of nodes: `here[start_here]` sets the start, `end_here` the end.
const auto start_here = [](auto& context) { x3::_val(context).span = x3::_attr(context); };
const auto end_here = [](auto& context) {
  x3::_val(context).span.end =
      static_cast<uint32_t>(state_of(context).offset(x3::_where(context).begin()));
};

using Expressions = std::vector<ast::Expression>;
using Names = std::vector<ast::Name>;

const x3::rule<struct ExpressionId, ast::Expression> expression = "expression";
const x3::rule<struct ConjunctionId, ast::Expression> conjunction = "conjunction";
const x3::rule<struct NegationId, ast::Expression> negation = "negation";
const x3::rule<struct ComparisonId, ast::Expression> comparison = "comparison";
const x3::rule<struct SumId, ast::Expression> sum = "sum";
const x3::rule<struct ProductId, ast::Expression> product = "product";
const x3::rule<struct SignedId, ast::Expression> signed_operand = "signed";
const x3::rule<struct OperandId, ast::Expression> operand = "operand";
const x3::rule<struct ArgumentsId, Expressions> arguments = "arguments";
const x3::rule<struct InListId, Expressions> in_list = "values";
const x3::rule<struct CallId, ast::Expression> aggregate_call = "aggregate";
const x3::rule<struct TimeTermId, ast::Expression> time_term = "time";
const x3::rule<struct TimeSumId, ast::Expression> time_sum = "times";

const auto push = [](auto& context) { x3::_val(context).push_back(std::move(x3::_attr(context))); };

// clang-format off
const auto expression_def = conjunction[become] >> *(or_operator >> conjunction)[combine];
const auto conjunction_def = negation[become] >> *(and_operator >> negation)[combine];
const auto negation_def = (*not_operator >> comparison)[prefix];
const auto comparison_def =
    sum[become] >>
    -(((comparison_operator >> sum)[combine] | (membership_operator >> in_list)[combine_list]) >>
      -(comparison_operator[reject_chain] | membership_operator[reject_chain]));
const auto sum_def = product[become] >> *(sum_operator >> product)[combine];
const auto product_def =
    signed_operand[become] >> *(product_operator >> signed_operand)[combine];
const auto signed_operand_def = (*minus_prefix >> operand)[prefix];
const auto operand_def = value[become] | now_word[become] |
                         (function_name >> arguments)[become_call] |
                         column_operand[become_column] |
                         (open_operand >> expression[become] >> close);
const auto arguments_def = open >> -(expression[push] >> *(comma >> expression[push])) >> close;
const auto in_list_def = open >> expression[push] >> *(comma >> expression[push]) >> close;
const auto aggregate_call_def = (aggregate_name >> arguments)[become_call];
const auto time_term_def =
    constant[become] | now_word[become] | (open_operand >> time_sum[become] >> close);
const auto time_sum_def = time_term[become] >> *(sum_operator >> time_term)[combine];

BOOST_SPIRIT_DEFINE(expression, conjunction, negation, comparison, sum, product, signed_operand,
                    operand, arguments, in_list, aggregate_call, time_term, time_sum)

const x3::rule<struct NamesId, Names> names = "columns";
const auto append_name = [](auto& context) { append_bounded(context, x3::_val(context)); };
const auto names_def = column[append_name] >> *(comma >> column[append_name]);

const x3::rule<struct DefinitionId, ast::Definition> definition = "definition";
const auto definition_def = column[put<&ast::Definition::name>] >> equals >>
                            expression[put<&ast::Definition::value>];

const x3::rule<struct ResultNameId, ast::Name> result_name = "name";
const auto result_name_def = column[become] >> symbol("=", expected::kAggregate);

const x3::rule<struct AggregateItemId, ast::AggregateItem> aggregate_item = "aggregate";
const auto aggregate_item_def =
    -result_name[put<&ast::AggregateItem::name>] >>
    aggregate_call[put<&ast::AggregateItem::call>] >>
    -(keyword("where", "`where`") >> expression[put<&ast::AggregateItem::where>]);

const x3::rule<struct TimeBucketId, ast::KeyItem> time_bucket = "time bucket";
const auto time_bucket_def = Token<ast::Name>{match_function, "", ""}[put<&ast::KeyItem::name>] >>
                             open >> expression[put<&ast::KeyItem::bucket>] >> close;

const x3::rule<struct KeyItemId, ast::KeyItem> key_item = "key";
const auto key_item_def = time_bucket[become] | column[put<&ast::KeyItem::name>];

const x3::rule<struct SortItemId, ast::SortItem> sort_item = "sort key";
const auto sort_item_def = -minus[put_true<&ast::SortItem::minus>] >>
                           column[put<&ast::SortItem::column>];

const x3::rule<struct SortItemsId, std::vector<ast::SortItem>> sort_items = "sort keys";
const auto sort_items_def = sort_item[append_name] >> *(comma >> sort_item[append_name]);

BOOST_SPIRIT_DEFINE(names, definition, result_name, aggregate_item, time_bucket, key_item,
                    sort_item, sort_items)

const x3::rule<struct WhereId, ast::Where> where_stage = "where";
const auto where_stage_def = stage_word("where") >> expression[put<&ast::Where::condition>];

const x3::rule<struct LetId, ast::Let> let_stage = "let";
const auto let_stage_def = stage_word("let") >> definition[append<&ast::Let::definitions>] >>
                           *(comma >> definition[append<&ast::Let::definitions>]);

const x3::rule<struct StatsId, ast::Stats> stats_stage = "stats";
const auto stats_stage_def =
    stage_word("stats") >> aggregate_item[append<&ast::Stats::aggregates>] >>
    *(comma >> aggregate_item[append<&ast::Stats::aggregates>]) >>
    -(keyword("by", "`by`") >> key_item[append<&ast::Stats::keys>] >>
      *(comma >> key_item[append<&ast::Stats::keys>]));

const x3::rule<struct BaselineId, ast::Baseline> baseline_stage = "baseline";
const auto baseline_stage_def =
    stage_word("baseline") >> constant[put<&ast::Baseline::depth>] >>
    -(keyword("step", "`step`") >> constant[put<&ast::Baseline::step>]) >>
    -(keyword("min", "`min`") >> constant[put<&ast::Baseline::min_windows>]) >>
    -(keyword("excluding", "`excluding`") >>
      keyword("alerts", "`alerts`")[put_true<&ast::Baseline::excluding_alerts>] >>
      -(keyword("of", "`of`") >> measurement[put<&ast::Baseline::excluding_rule>]));

const x3::rule<struct UnusualId, ast::Unusual> unusual_stage = "unusual";
const auto unusual_stage_def = stage_word("unusual") >> column[put<&ast::Unusual::column>] >>
                               -(keyword("of", "`of`") >> column[put<&ast::Unusual::of>]);

const x3::rule<struct SilenceId, ast::Silence> silence_stage = "silence";
const auto silence_stage_def = stage_word("silence") >> column[put<&ast::Silence::column>];

const x3::rule<struct NovelId, ast::Novel> novel_stage = "novel";
const auto novel_stage_def = stage_word("novel") >> column[put<&ast::Novel::column>] >>
                             -(keyword("by", "`by`") >> names[put<&ast::Novel::keys>]);

const x3::rule<struct SortId, ast::Sort> sort_stage = "sort";
const auto sort_stage_def = stage_word("sort") >> sort_items[put<&ast::Sort::keys>];

const x3::rule<struct LimitId, ast::Limit> limit_stage = "limit";
const auto limit_stage_def = stage_word("limit") >> constant[put<&ast::Limit::count>];

const x3::rule<struct TopId, ast::Top> top_stage = "top";
const auto top_stage_def = stage_word("top") >> constant[put<&ast::Top::count>] >>
                           keyword("by", "`by`") >> sort_items[put<&ast::Top::keys>];

const x3::rule<struct DistinctId, ast::Distinct> distinct_stage = "distinct";
const auto distinct_stage_def = stage_word("distinct") >> -names[put<&ast::Distinct::columns>];

const x3::rule<struct KeepId, ast::Keep> keep_stage = "keep";
const auto keep_stage_def = stage_word("keep") >> names[put<&ast::Keep::columns>];

const x3::rule<struct DropId, ast::Drop> drop_stage = "drop";
const auto drop_stage_def = stage_word("drop") >> names[put<&ast::Drop::columns>];

const x3::rule<struct FillId, ast::Fill> fill_stage = "fill";
const auto fill_stage_def = stage_word("fill") >> -sum[put<&ast::Fill::value>];

const x3::rule<struct DetectId, ast::Detect> detect_stage = "detect";
const auto detect_stage_def = stage_word("detect") >> column[put<&ast::Detect::column>] >>
                              -(keyword("season", "`season`") >>
                                constant[put<&ast::Detect::season>]) >>
                              -(keyword("sensitivity", "`sensitivity`") >>
                                sensitivity[put<&ast::Detect::sensitivity>]) >>
                              -(keyword("by", "`by`") >> names[put<&ast::Detect::keys>]);

const x3::rule<struct ChangepointId, ast::Changepoint> changepoint_stage = "changepoint";
const auto changepoint_stage_def =
    stage_word("changepoint") >> column[put<&ast::Changepoint::column>] >>
    -(keyword("by", "`by`") >> names[put<&ast::Changepoint::keys>]);

const x3::rule<struct ForecastId, ast::Forecast> forecast_stage = "forecast";
const auto forecast_stage_def =
    stage_word("forecast") >> column[put<&ast::Forecast::column>] >>
    keyword("horizon", "`horizon`") >> constant[put<&ast::Forecast::horizon>] >>
    -(keyword("season", "`season`") >> constant[put<&ast::Forecast::season>]) >>
    -(keyword("by", "`by`") >> names[put<&ast::Forecast::keys>]);
const x3::rule<struct DiffId, ast::Diff> diff_stage = "diff";
const auto diff_stage_def =
    stage_word("diff") >> ((keyword("against", "`against`") >> keyword("last", "`last`") >>
                            constant[put<&ast::Diff::depth>]) |
                           (keyword("where", "`where`") >>
                            expression[put<&ast::Diff::condition>])) >>
    -(keyword("columns", "`columns`") >> names[put<&ast::Diff::columns>]);

const x3::rule<struct StageId, ast::Stage> stage = "stage";
const auto operation = [](auto& context) {
  x3::_val(context).operation = std::move(x3::_attr(context));
  end_here(context);
};
const auto stage_def = here[start_here] >>
                       (where_stage[operation] | let_stage[operation] | stats_stage[operation] |
                       baseline_stage[operation] | unusual_stage[operation] |
                       silence_stage[operation] | novel_stage[operation] | sort_stage[operation] |
                       limit_stage[operation] | top_stage[operation] | distinct_stage[operation] |
                       keep_stage[operation] | drop_stage[operation] | fill_stage[operation] |
                       detect_stage[operation] | changepoint_stage[operation] |
                       forecast_stage[operation] | diff_stage[operation]);

const x3::rule<struct SourceId, ast::Source> source = "source";
const auto source_range =
    (keyword("last", "`last`") >> constant[put<&ast::Source::last>]) |
    (keyword("between", "`between`") >> time_sum[put<&ast::Source::start>] >>
     keyword("and", "`and`") >> time_sum[put<&ast::Source::end>]);
const auto source_def =
    here[start_here] >> keyword("from", expected::kSource) >>
    (symbol("*", "`*`") | (measurement[append<&ast::Source::measurements>] >>
                           *(comma >> measurement[append<&ast::Source::measurements>]))) >>
    -source_range >> x3::eps[end_here];

const x3::rule<struct QueryId, ast::Query> query = "query";
const auto query_def = source[put<&ast::Query::source>] >>
                       *(pipe >> stage[append<&ast::Query::stages>]) >> -semicolon >>
                       end_of_text;

const x3::rule<struct WholeExpressionId, ast::Expression> whole_expression = "expression";
const auto whole_expression_def = expression[become] >> end_of_text;
// clang-format on

BOOST_SPIRIT_DEFINE(where_stage, let_stage, stats_stage, baseline_stage, unusual_stage,
                    silence_stage, novel_stage, sort_stage, limit_stage, top_stage, distinct_stage,
                    keep_stage, drop_stage, fill_stage, detect_stage, changepoint_stage,
                    forecast_stage, diff_stage, stage, source, query, whole_expression)

// Checks what the parser relies on: bounded text, valid UTF-8, bounded recursion.
bool check_text(std::string_view text, Diagnostic& diagnostic) {
  if (text.size() > kQueryBytesMax) {
    diagnostic.message = fmt::format("a query may have at most {} KiB of text; this one has {}",
                                     kQueryBytesMax / 1024, text.size() / 1024);
    return false;
  }
  if (const size_t place = invalid_utf8_offset(text); place != text.size()) {
    diagnostic.message = "the query is not valid UTF-8 here";
    diagnostic.locate(text, place, 1);
    return false;
  }
  if (const size_t place = too_deep_offset(text, kNestingMax); place != text.size()) {
    diagnostic.message = fmt::format("parentheses are nested more than {} deep", kNestingMax);
    diagnostic.locate(text, place, 1);
    return false;
  }
  return true;
}

template <class Rule, class Node>
std::optional<Node> parse_whole(const Rule& rule, std::string_view text, const TimeZone& zone,
                                Diagnostic& diagnostic) {
  if (!check_text(text, diagnostic)) return std::nullopt;
  ParseState state(text, zone);
  const char* first = text.data();
  const char* const last = text.data() + text.size();
  Node node;
  const bool parsed = x3::parse(first, last, x3::with<StateTag>(std::ref(state))[rule], node);
  if (parsed && !state.faulty()) return node;
  diagnostic = state.diagnostic();
  return std::nullopt;
}

}  // namespace

std::vector<std::string> expected_after(std::string_view text, const TimeZone& zone) {
  // A character that no terminal matches stops every alternative at the end of `text`.
  const std::string stopped = std::string(text) + " \x01";
  Diagnostic diagnostic;
  if (!check_text(stopped, diagnostic)) return {};
  ParseState state(stopped, zone);
  const char* first = stopped.data();
  ast::Query node;
  x3::parse(first, stopped.data() + stopped.size(), x3::with<StateTag>(std::ref(state))[query],
            node);
  return state.expected_at(stopped.size() - 1);
}

std::optional<ast::Query> parse_query(std::string_view text, const TimeZone& zone,
                                      Diagnostic& diagnostic) {
  auto parsed = parse_whole<decltype(query), ast::Query>(query, text, zone, diagnostic);
  if (!parsed || parsed->stages.size() <= kStageCountMax) return parsed;
  diagnostic.message = fmt::format("a query may have at most {} stages", kStageCountMax);
  const TextSpan span = parsed->stages[kStageCountMax].span;
  diagnostic.locate(text, span.start, span.end - span.start);
  return std::nullopt;
}

std::optional<ast::Expression> parse_expression(std::string_view text, const TimeZone& zone,
                                                Diagnostic& diagnostic) {
  return parse_whole<decltype(whole_expression), ast::Expression>(whole_expression, text, zone,
                                                                  diagnostic);
}

}  // namespace tocsin
