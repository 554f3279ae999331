// What parsers of one row each share: why a row was refused, and that it is appended whole or not
// at all.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "db/limits.h"
#include "db/schema/batch.h"

namespace tocsin {

class RowAppender {
 public:
  /// Why the last row was refused.
  const std::string& reason() const { return reason_; }

 protected:
  /// Always false.
  bool fail(std::string reason) {
    reason_ = std::move(reason);
    return false;
  }

  /// `missing`: the reason when there is none.
  bool check_measurement(std::string_view name, const char* missing) {
    if (name.empty()) return fail(missing);
    if (name.size() <= kNameBytesMax) return true;
    return fail(fmt::format("measurement of {} bytes, at most {} are possible", name.size(),
                            kNameBytesMax));
  }

  /// A row of what `append(rows)` sets, or none when that is false.
  template <class Append>
  bool append_row(RowBatch& rows, Timestamp time, std::string_view line, Append append) {
    rows.begin_row(time, line);
    const bool good = append(rows);
    if (!good) rows.abandon_row();
    return good;
  }

 private:
  std::string reason_;
};

}  // namespace tocsin
