// The syntax tree of a query: built by the grammar, read by the checker, printed by print_query.
// Names are not resolved yet; every node has its span in the text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "query/base/value.h"
#include "query/plan/plan.h"

namespace tocsin::ast {

struct Name {
  std::string text;
  TextSpan span;
};

struct Expression {
  enum class Kind : uint8_t {
    kLiteral,
    kName,       ///< a column, or a word that a function accepts (`baseline(x, p95)`)
    kParameter,  ///< `$name`
    kCall,       ///< `name(arguments)`; `now` is a call too
    kOperator,   ///< `operation` with 1 or 2 arguments; for `in` the operand, then the list
  };

  Kind kind = Kind::kLiteral;
  Function operation = Function::kAnd;  ///< kOperator
  uint32_t depth = 1;                   ///< of the tree, including this node
  TextSpan span;
  TextSpan head;     ///< the operator, or the name of a call
  Value literal;     ///< kLiteral
  std::string name;  ///< kName, kParameter (without `$`), kCall
  std::vector<Expression> arguments;
};

struct Source {
  std::vector<Name> measurements;  ///< empty: `*`
  std::optional<Expression> last;
  std::optional<Expression> start, end;  ///< `between start and end`
  TextSpan span;
};

struct Definition {
  Name name;
  Expression value;
};

struct AggregateItem {
  std::optional<Name> name;
  Expression call;
  std::optional<Expression> where;
};

struct KeyItem {
  Name name;                         ///< `time` for a bucket
  std::optional<Expression> bucket;  ///< `time(bucket)`
};

struct SortItem {
  Name column;
  bool minus = false;
};

struct Where {
  Expression condition;
};
struct Let {
  std::vector<Definition> definitions;
};
struct Stats {
  std::vector<AggregateItem> aggregates;
  std::vector<KeyItem> keys;
};
struct Baseline {
  Expression depth;
  std::optional<Expression> step, min_windows;
  bool excluding_alerts = false;
  std::optional<Name> excluding_rule;
};
/// `unusual x [of y]`, after a baseline.
struct Unusual {
  Name column;
  std::optional<Name> of;
};
/// `silence x`, after a baseline.
struct Silence {
  Name column;
};
/// `novel x [by keys]`, after a baseline.
struct Novel {
  Name column;
  std::vector<Name> keys;
};
struct Sort {
  std::vector<SortItem> keys;
};
struct Limit {
  Expression count;
};
struct Top {
  Expression count;
  std::vector<SortItem> keys;
};
struct Distinct {
  std::vector<Name> columns;  ///< empty: all
};
struct Keep {
  std::vector<Name> columns;
};
struct Drop {
  std::vector<Name> columns;
};
struct Fill {
  std::optional<Expression> value;
};
struct Detect {
  Name column;
  std::optional<Expression> season;
  std::optional<Name> sensitivity;
  std::vector<Name> keys;
};
struct Changepoint {
  Name column;
  std::vector<Name> keys;
};
struct Forecast {
  Name column;
  Expression horizon;
  std::optional<Expression> season;
  std::vector<Name> keys;
};
struct Diff {
  std::optional<Expression> depth;      ///< `against last depth`
  std::optional<Expression> condition;  ///< `where condition`
  std::vector<Name> columns;            ///< empty: those of compared_columns()
};

using Operation =
    std::variant<Where, Let, Stats, Baseline, Unusual, Silence, Novel, Sort, Limit, Top, Distinct,
                 Keep, Drop, Fill, Detect, Changepoint, Forecast, Diff>;

struct Stage {
  Operation operation;
  TextSpan span;
};

struct Query {
  Source source;
  std::vector<Stage> stages;
};

/// The text of a query or expression, on one line: parsing it returns the same query again. Only
/// the parentheses that precedence requires are printed.
std::string print_query(const Query& query);
std::string print_expression(const Expression& expression);
/// `name` as written in a query: in backticks if it is reserved or not a plain identifier.
std::string print_name(std::string_view name);

}  // namespace tocsin::ast
