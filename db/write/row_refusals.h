// Which rows of a batch are refused, and why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "db/schema/batch.h"
#include "db/schema/write_request.h"

namespace tocsin {

/// Adds to a report what the phases of a merge refuse or warn about. `rows` and `report` must
/// outlive it.
class RowRefusals {
 public:
  RowRefusals(const RowBatch& rows, WriteReport& report)
      : rows_(rows), report_(report), refused_(rows.row_count(), 0), left_(rows.row_count()) {}

  /// The first reason for a row is the one reported.
  void refuse(size_t row, std::string reason) {
    if (refused_[row]) return;
    refused_[row] = 1;
    --left_;
    report_.rejected.push_back({rows_.measurement(), row, std::move(reason)});
  }
  void warn(std::string warning) {
    if (report_.warnings.size() < kWarningsMax) report_.warnings.push_back(std::move(warning));
  }

  bool contains(size_t row) const { return refused_[row] != 0; }
  /// How many rows are not refused.
  size_t left() const { return left_; }

 private:
  static constexpr size_t kWarningsMax = 20;  // per write; further ones are of the same kinds

  const RowBatch& rows_;
  WriteReport& report_;
  std::vector<uint8_t> refused_;  // by row
  size_t left_;
};

}  // namespace tocsin
