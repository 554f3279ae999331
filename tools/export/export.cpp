#include "tools/export/export.h"

#include <set>
#include <utility>

#include <fmt/format.h>

#include "db/limits.h"

namespace tocsin {
namespace {

constexpr size_t kPieceBytes = 256 * kKiB;
constexpr uint64_t kRowsBetweenChecks = 4096;

// Plain JSON and CSV never claim to be exact: like query results, they replace some values.
bool must_be_exact(const ExportOptions& options) {
  const bool claims = options.format.format == ExportFormat::kLineProtocol || options.format.typed;
  return claims && !options.lossy;
}

tl::unexpected<Error> not_exact(const ExportOptions& options, const ExportLosses& losses) {
  const bool line_protocol = options.format.format == ExportFormat::kLineProtocol;
  return fail(
      ErrorCode::kInvalid,
      fmt::format(
          "{} cannot represent {}; --lossy skips them{}",
          line_protocol ? "line protocol" : "this format", losses.text(),
          line_protocol ? ", and --format json --typed or csv --typed can represent them" : ""));
}

/// Calls `use(row)` for every row.
template <class Use>
Status for_each_row(RowSource& source, const ExportOptions& options, const ShowExport& show,
                    Use&& use) {
  ExportRow row;
  for (uint64_t i = 0;; ++i) {
    if (i % kRowsBetweenChecks == 0) {
      if (options.stop != nullptr && options.stop->load()) {
        return fail(ErrorCode::kCancelled, "the export was stopped before the end");
      }
      show(source.done(), source.total());
    }
    TOCSIN_TRY(const bool more, source.next(row));
    if (!more) return {};
    TOCSIN_RETURN_IF_ERROR(use(row));
  }
}

/// The columns of `source`. Marks those that contain a value that is not plain text.
Result<std::vector<TypedMeasurement>> find_base64_columns(RowSource& source,
                                                          const ExportOptions& options,
                                                          const ShowExport& show) {
  std::vector<TypedMeasurement> measurements = source.measurements();
  TOCSIN_RETURN_IF_ERROR(for_each_row(source, options, show, [&](const ExportRow& row) -> Status {
    for (const ExportCell& cell : row.cells) {
      TypedColumn& column = measurements[row.measurement].columns[cell.column];
      if (column.type != ColumnType::kString || column.base64) continue;
      column.base64 = !is_plain_text(cell.text);
    }
    return {};
  }));
  return measurements;
}

/// Marks the columns that are marked in `known`, which may contain fewer columns.
void mark_as(const std::vector<TypedMeasurement>& known,
             std::vector<TypedMeasurement>& measurements) {
  std::set<std::pair<std::string_view, std::string_view>> marked;
  for (const TypedMeasurement& measurement : known) {
    for (const TypedColumn& column : measurement.columns) {
      if (column.base64) marked.emplace(measurement.name, column.name);
    }
  }
  for (TypedMeasurement& measurement : measurements) {
    for (TypedColumn& column : measurement.columns) {
      column.base64 = column.type == ColumnType::kString &&
                      marked.contains(std::pair<std::string_view, std::string_view>(
                          measurement.name, column.name));
    }
  }
}

}  // namespace

Result<ExportReport> export_rows(const OpenRows& open, const ExportOptions& options,
                                 const PutText& put, const ShowExport& show) {
  std::vector<TypedMeasurement> first_pass;
  if (options.format.typed) {
    TOCSIN_TRY(const auto source, open());
    TOCSIN_TRY(first_pass,
               find_base64_columns(*source, options,
                                   [&](uint64_t done, uint64_t total) { show(done, 2 * total); }));
  }
  TOCSIN_TRY(const auto source, open());
  std::vector<TypedMeasurement> measurements = source->measurements();
  mark_as(first_pass, measurements);

  const bool exact = must_be_exact(options);
  const auto writer = make_row_writer(measurements, options.format);
  ExportReport report;
  std::string piece;
  const auto flush = [&]() -> Status {
    // After the first value that cannot be represented, the rest is only counted.
    if (!exact || writer->losses().total() == 0) {
      TOCSIN_RETURN_IF_ERROR(put(piece));
      report.bytes += piece.size();
    }
    piece.clear();
    return {};
  };
  TOCSIN_RETURN_IF_ERROR(writer->begin(piece));
  TOCSIN_RETURN_IF_ERROR(for_each_row(
      *source, options,
      [&](uint64_t done, uint64_t total) {
        options.format.typed ? show(total + done, 2 * total) : show(done, total);
      },
      [&](const ExportRow& row) -> Status {
        writer->write(row, piece);
        ++report.rows;
        return piece.size() >= kPieceBytes ? flush() : Status();
      }));
  TOCSIN_RETURN_IF_ERROR(flush());
  report.losses = writer->losses();
  if (exact && report.losses.total() > 0) return not_exact(options, report.losses);
  return report;
}

}  // namespace tocsin
