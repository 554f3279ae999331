// Searching the texts of a column for a constant.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "db/encoding/text_template.h"
#include "query/base/search.h"
#include "query/function/scalar.h"
#include "query/vector/program.h"

namespace tocsin {

/// A call that searches for a constant: `contains`, `icontains`, `=~` and `!~` with a pattern that
/// is a plain text, or one after `(?i)`, and `contains` in a lower() or upper(). Not thread-safe.
class TextSearch {
 public:
  /// Null for any other call.
  static std::unique_ptr<TextSearch> of(const Program& program, const Node& call);

  NodeId text() const { return text_; }  ///< the node whose texts are searched
  /// The result of the call for a text that is not null.
  bool holds(std::string_view text, ScalarContext& scalar) {
    return found_in(text, scalar) == wanted_;
  }
  /// The result of the call for the texts of a template.
  TextMatch holds(const TextTemplate& texts) const;

 private:
  TextSearch(NodeId text, std::string part) : text_(text), part_(std::move(part)) {}

  bool found_in(std::string_view text, ScalarContext& scalar);

  NodeId text_;
  std::string part_;
  bool wanted_ = true;                      // false for `!~`
  std::optional<CaselessSearch> caseless_;  // if case does not matter; part_ is in lower case
  /// Set if characters outside ASCII may match too: (?i)k matches the Kelvin sign, (?i)s the long
  /// s. Then the pattern decides for texts with such characters.
  std::string pattern_;
};

}  // namespace tocsin
