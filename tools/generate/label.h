// What a world says about itself: what should alert, and what must not.
#pragma once

#include <string>

#include "db/base/time.h"

namespace tocsin::generate {

enum class Duty : uint8_t {
  kRequired,  ///< should alert
  kWeak,      ///< may alert; the true rates differ too little, or too few events show it
  kOptional,  ///< may alert; whether it should is a matter of taste, such as a holiday
  kQuiet,     ///< must not alert
};

struct Label {
  std::string kind;     ///< type of the alert; empty if kQuiet
  std::string service;  ///< empty: all services
  TimeRange range;
  std::string cause;       ///< `host=api-3`, `transaction=refund`, or words; may be empty
  bool permanent = false;  ///< continues after the end of `range`, as the new normal state
  Duty duty = Duty::kRequired;
};

/// One line of a labels file: `{"kind":"...","service":"...","start":"...","end":"..."}`, and where
/// they apply `cause`, `permanent`, `counts` (false: not to be counted as found or missed) and
/// `reason` (`weak` or `optional`). If kQuiet, `"quiet":true` replaces the kind.
std::string label_line(const Label& label);

}  // namespace tocsin::generate
