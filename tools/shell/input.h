// Assembles queries from lines: decides whether a query is complete or continues in the next line.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

/// Whether the query cannot end here: it has an open parenthesis, or its last word must be followed
/// by something (`|`, `,`, an operator, `by`, `where`, ...). Open quotes do not count, as strings
/// cannot span lines.
bool is_incomplete(std::string_view text);

/// Whether `line` continues a query that could end before it: it begins with `|` or a blank, or it
/// is a comment, which such a line may follow.
bool continues(std::string_view line);

/// Collects lines. A line that begins with `.` is a complete command. Comments before a query are
/// dropped.
class QueryInput {
 public:
  enum class State {
    kNothing,  ///< no query has been started
    kOpen,     ///< incomplete
    kReady,    ///< complete, unless the next line continues it
    kEnded,    ///< complete: ended by `;` or an empty line, or a command
  };

  State add(std::string_view line);
  State state() const { return state_; }
  const std::string& text() const { return text_; }
  /// Returns the collected text and starts over.
  std::string extract();

 private:
  std::string text_;
  State state_ = State::kNothing;
};

}  // namespace tocsin
