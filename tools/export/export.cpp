#include "tools/export/export.h"

#include <fmt/format.h>

#include "db/limits.h"

namespace tocsin {
namespace {

constexpr size_t kPieceBytes = 256 * kKiB;
constexpr uint64_t kRowsBetweenLooks = 4096;

// Plain JSON and CSV show what queries show, and never claim to be exact.
bool must_be_exact(const ExportOptions& options) {
  const bool claims = options.format.format == ExportFormat::kLineProtocol || options.format.typed;
  return claims && !options.lossy;
}

tl::unexpected<Error> not_exact(const ExportOptions& options, const ExportLosses& losses) {
  const bool line_protocol = options.format.format == ExportFormat::kLineProtocol;
  return fail(
      ErrorCode::kInvalid,
      fmt::format("{} cannot hold {}; --lossy leaves them out{}",
                  line_protocol ? "line protocol" : "this format", losses.text(),
                  line_protocol ? ", --format json --typed or csv --typed keeps such values" : ""));
}

}  // namespace

Result<ExportReport> export_rows(RowSource& source, const ExportOptions& options,
                                 const PutText& put, const ShowExport& show) {
  const bool exact = must_be_exact(options);
  const auto writer = make_row_writer(source.measurements(), options.format);
  ExportReport report;
  std::string piece;
  const auto flush = [&]() -> Status {
    // Once something cannot be held, the rest is only counted.
    if (!exact || writer->losses().total() == 0) {
      TOCSIN_RETURN_IF_ERROR(put(piece));
      report.bytes += piece.size();
    }
    piece.clear();
    return {};
  };
  TOCSIN_RETURN_IF_ERROR(writer->begin(piece));
  ExportRow row;
  while (true) {
    if (report.rows % kRowsBetweenLooks == 0) {
      if (options.stop != nullptr && options.stop->load()) {
        return fail(ErrorCode::kCancelled, "stopped before the end");
      }
      show(source.done(), source.total());
    }
    TOCSIN_TRY(const bool more, source.next(row));
    if (!more) break;
    writer->write(row, piece);
    ++report.rows;
    if (piece.size() >= kPieceBytes) TOCSIN_RETURN_IF_ERROR(flush());
  }
  TOCSIN_RETURN_IF_ERROR(flush());
  report.losses = writer->losses();
  if (exact && report.losses.total() > 0) return not_exact(options, report.losses);
  return report;
}

}  // namespace tocsin
