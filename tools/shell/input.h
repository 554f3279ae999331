// Lines become queries: when one is whole, and when it goes on in the next line.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

/// Whether the query cannot end here: an open parenthesis, or a last word that something must
/// follow (`|`, `,`, an operator, `by`, `where`, ...). Open quotes do not count: no string goes
/// over a line's end.
bool goes_on(std::string_view text);

/// Whether a line continues a query that could have ended before it: it begins with `|` or a blank,
/// or is a comment, behind which such a line may follow.
bool continues(std::string_view line);

/// Gathers lines. A line that begins with `.` is a command, whole in itself; comments before a
/// query are left out.
class QueryInput {
 public:
  enum class State {
    kNothing,  ///< no query has begun
    kOpen,     ///< more must follow
    kReady,    ///< whole, unless the next line continues it
    kEnded,    ///< whole: `;`, an empty line, or a command
  };

  State add(std::string_view line);
  State state() const { return state_; }
  const std::string& text() const { return text_; }
  /// What has been gathered, and begins anew.
  std::string take();

 private:
  std::string text_;
  State state_ = State::kNothing;
};

}  // namespace tocsin
