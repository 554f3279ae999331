// A regular expression whose named groups are the columns of a line; no I/O.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/base/result.h"
#include "db/schema/batch.h"
#include "net/parse/json_event.h"

namespace tocsin {

/// An expression in the syntax of RE2, which is searched for in each line. Immutable: threads may
/// share it.
class LinePattern {
 public:
  /// kInvalid: the expression is not valid, or has no named group `(?P<name>...)`. `(?<name>...)`
  /// is the same.
  static Result<std::shared_ptr<const LinePattern>> create(std::string_view pattern);
  ~LinePattern();

  const std::string& text() const { return text_; }
  /// Appends the values of the named groups that take part in the match, in their order. Words have
  /// the types of JSON. Returns false if the line does not match. Requires: `line` lives as long as
  /// the values.
  bool read(std::string_view line, std::vector<JsonValue>& values) const;

  /// With `linear` false, only RE2 is used; tests and benchmarks compare.
  bool match(std::string_view line, std::vector<std::string_view>& groups,
             bool linear = true) const;
  /// Whether the expression has a fast path; see line_pattern.cpp.
  bool is_linear() const { return !steps_.empty(); }

 private:
  /// A part of the line, between two borders of groups.
  struct Step {
    enum class Kind : uint8_t { kLiteral, kRun, kEnd };

    Kind kind = Kind::kRun;
    std::string literal = {};          ///< kLiteral: this text
    std::array<bool, 128> bytes = {};  ///< kRun: as many of these as follow each other
    size_t least = 0;                  ///< kRun: but not fewer
    size_t most = SIZE_MAX;            ///< kRun: and not more
    int opens = -1;                    ///< group that begins here; -1: none
    int closes = -1;                   ///< group that ends after it
  };
  struct Expression;
  class Linear;

  explicit LinePattern(std::string_view text);
  bool match_expression(std::string_view line, std::vector<std::string_view>& groups) const;
  bool match_steps(std::string_view line, std::vector<std::string_view>& groups) const;

  std::string text_;
  std::unique_ptr<const Expression> expression_;
  std::vector<std::pair<int, std::string>> names_;  // by group
  int group_count_ = 0;
  std::vector<Step> steps_;
};

}  // namespace tocsin
