#include "net/ingest/dry_run.h"

#include <fmt/format.h>

#include "db/base/json.h"
#include "db/base/text.h"
#include "net/parse/records.h"

namespace tocsin {
namespace {

constexpr size_t kShownRejectedBytes = 1'024;  // of a line

std::string json_list(const std::vector<std::string>& list) {
  std::string out = "[";
  for (size_t i = 0; i < list.size(); ++i) out += (i == 0 ? "" : ",\n") + list[i];
  return out + "]";
}

}  // namespace

void DryRun::add(const Batch& batch, const LineErrors& errors, uint64_t line_count) {
  any_ = true;
  row_count_ += batch.row_count();
  for (const RowBatch& rows : batch.measurements()) {
    for (size_t row = 0; row < rows.row_count() && has_room(rows_); ++row) {
      rows_.push_back(row_as_line(rows, row));
      shown_bytes_ += rows_.back().size();
    }
  }
  if (numbers_) {
    for (const LineError& error : errors)
      reject(lines_before_ + error.line, error.reason, error.text);
    rejected_count_ += errors.count() - errors.size();
  }
  warnings_.add(errors.warnings());
  lines_before_ += line_count;
}

void DryRun::reject(uint64_t number, std::string_view reason, std::string_view line) {
  any_ = true;
  ++rejected_count_;
  if (!has_room(rejected_)) return;
  size_t replaced = 0;
  rejected_.push_back(
      fmt::format("{{\"number\":{},\"reason\":{},\"line\":{}}}", number,
                  json_quote(valid_utf8(reason, replaced)),
                  json_quote(valid_utf8(line.substr(0, kShownRejectedBytes), replaced))));
  shown_bytes_ += rejected_.back().size();
}

std::string DryRun::json() const {
  std::vector<std::string> warnings;
  for (const LineWarning warning : kLineWarnings) {
    if (warnings_[warning].count > 0)
      warnings.push_back(json_quote(warning_text(warning, warnings_[warning])));
  }
  return fmt::format(
      "{{\"stored\":false,\"row_count\":{},\"rows\":{},\"rejected_count\":{},\"rejected\":{},"
      "\"warnings\":{}}}\n",
      row_count_, json_list(rows_), rejected_count_, json_list(rejected_), json_list(warnings));
}

}  // namespace tocsin
