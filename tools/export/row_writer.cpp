#include "tools/export/row_writer.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "db/base/text.h"
#include "net/parse/framer.h"

namespace tocsin {
namespace {

std::string shown(std::string_view name) {
  size_t ignored = 0;
  return "`" + valid_utf8(name, ignored) + "`";
}

}  // namespace

uint64_t ExportLosses::total() const {
  return std::accumulate(kinds.begin(), kinds.end(), uint64_t{0},
                         [](uint64_t sum, const Kind& kind) { return sum + kind.count; });
}

void ExportLosses::add(const std::string& what, const TypedMeasurement& measurement, Timestamp time,
                       const std::string& column) {
  auto kind = std::ranges::find(kinds, what, &Kind::what);
  if (kind == kinds.end()) {
    const std::string where = column.empty() ? "" : shown(column) + " of ";
    kinds.push_back(
        {what, 0,
         fmt::format("{}{} at {}", where, shown(measurement.name), format_time_short(time))});
    kind = kinds.end() - 1;
  }
  ++kind->count;
}

std::string ExportLosses::text() const {
  std::string text;
  for (const Kind& kind : kinds) {
    if (!text.empty()) text += "; ";
    text += fmt::format("{} {} (the first: {})", kind.count, kind.what, kind.first);
  }
  return text;
}

void RowWriter::drop_too_long(const ExportRow& row, size_t start, std::string& out) {
  if (out.size() - start <= kLineBytesMax) return;
  out.resize(start);
  losses_.add(fmt::format("rows of more than {} MiB", kLineBytesMax >> 20), measurement_of(row),
              row.time);
}

std::unique_ptr<RowWriter> make_row_writer(const std::vector<TypedMeasurement>& measurements,
                                           const ExportFormatOptions& options) {
  switch (options.format) {
    case ExportFormat::kLineProtocol: return make_line_protocol_rows(measurements);
    case ExportFormat::kJson: return make_json_rows(measurements, options.typed);
    case ExportFormat::kCsv: return make_csv_rows(measurements, options);
  }
  return nullptr;
}

}  // namespace tocsin
