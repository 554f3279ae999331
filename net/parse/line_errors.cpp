#include "net/parse/line_errors.h"

#include <utility>

#include "db/limits.h"

namespace tocsin {

void LineErrors::add(LineError error) {
  if (kept_.size() < kRejectedPerMinuteMax) {
    kept_.push_back(std::move(error));
    return;
  }
  ++counted_;
  const auto count = counts_.find(error.reason);
  if (count != counts_.end()) {
    ++count->second;
    return;
  }
  const bool room = counts_.size() < kRejectedReasonsMax;
  ++counts_[room ? std::move(error.reason) : std::string(kOtherReasons)];
}

void LineErrors::add_counted(std::vector<RejectedLine>& out) const {
  for (const auto& [reason, count] : counts_) out.push_back({reason, "", count});
}

void LineErrors::add_all(std::vector<RejectedLine>& out) const {
  for (const LineError& error : kept_) {
    out.push_back({error.reason, std::string(error.text.substr(0, kRejectedLineBytesMax))});
  }
  add_counted(out);
}

}  // namespace tocsin
