// The common part of parsers of single rows: the reason for a rejection, and appending a row
// completely or not at all.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "db/base/binary_text.h"
#include "db/limits.h"
#include "db/schema/batch.h"
#include "net/parse/typed_columns.h"

namespace tocsin {

class RowAppender {
 public:
  /// Why the last row was rejected.
  const std::string& reason() const { return reason_; }

 protected:
  /// Sets the reason; always returns false.
  bool fail(std::string reason) {
    reason_ = std::move(reason);
    return false;
  }

  /// `missing`: the reason to report if `name` is empty.
  bool check_measurement(std::string_view name, const char* missing) {
    if (name.empty()) return fail(missing);
    if (name.size() <= kNameBytesMax) return true;
    return fail(fmt::format("measurement of {} bytes, at most {} are possible", name.size(),
                            kNameBytesMax));
  }

  /// Appends a row with the values that `append(rows)` sets, or none if that returns false.
  template <class Append>
  bool append_row(RowBatch& rows, Timestamp time, std::string_view line, Append append) {
    rows.begin_row(time, line);
    const bool good = append(rows);
    if (!good) rows.abandon_row();
    return good;
  }

  /// The lane of a column's values of that type.
  static size_t lane_of(RowBatch& rows, const TypedColumn& column, ColumnType type, size_t hint) {
    if (!column.first) return rows.lane(column.name, type, column.kind, hint);
    const auto [first_type, first_kind] = *column.first;
    rows.declare(column.name, first_type, first_kind, hint);
    return rows.declare(column.name, type, column.kind, hint);
  }

  /// Appends a cell of a string column, decoding its base64. `text` must stay valid as long as the
  /// batch.
  bool append_string_cell(Batch& batch, RowBatch& rows, const TypedColumn& column,
                          std::string_view text, size_t hint) {
    if (column.base64) {
      const auto bytes = parse_base64(text);
      if (!bytes) {
        return fail(fmt::format("the value of column `{}` is not valid base64", column.name));
      }
      text = batch.copy(*bytes);
    }
    if (text.size() > kStringBytesMax) {
      return fail(fmt::format("string of {} bytes in `{}`, at most {} are possible", text.size(),
                              column.name, kStringBytesMax));
    }
    rows.set_string(lane_of(rows, column, ColumnType::kString, hint), text);
    return true;
  }

 private:
  std::string reason_;
};

}  // namespace tocsin
