// Writes rows as text that `tocsin import` can read. A new format is a function here and a separate
// file.
#pragma once

#include <charconv>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tools/export/row_source.h"

namespace tocsin {

/// Counts the values that a format could not represent, by kind.
struct ExportLosses {
  struct Kind {
    std::string what;  ///< `values that are NaN or infinite`
    uint64_t count = 0;
    std::string first;  ///< place of the first: "`load` of `cpu` at 2026-11-24T10:00:00Z"
  };
  std::vector<Kind> kinds;

  uint64_t total() const;
  void add(const std::string& what, const TypedMeasurement& measurement, Timestamp time,
           const std::string& column = {});
  /// `3 values that are NaN or infinite (the first: ...)`, joined with `; `.
  std::string text() const;
};

/// Writes the rows of one source. Not thread-safe; the measurements must outlive it.
class RowWriter {
 public:
  explicit RowWriter(const std::vector<TypedMeasurement>& measurements)
      : measurements_(measurements) {}
  virtual ~RowWriter() = default;
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;

  /// Appends the header. kLimit: too many columns for the format.
  virtual Status begin(std::string& /*out*/) { return {}; }
  /// Appends a row without the values that the format cannot represent, which are added to
  /// losses().
  virtual void write(const ExportRow& row, std::string& out) = 0;
  const ExportLosses& losses() const { return losses_; }

 protected:
  const TypedMeasurement& measurement_of(const ExportRow& row) const {
    return measurements_[row.measurement];
  }
  /// Removes the row that begins at `start` from `out` if it is too long to be imported.
  void drop_too_long(const ExportRow& row, size_t start, std::string& out);

  const std::vector<TypedMeasurement>& measurements_;
  ExportLosses losses_;
};

template <class T>
void add_number(std::string& out, T value) {
  char buffer[32];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

// Losses of plain JSON and CSV.
inline constexpr const char* kLostNumber = "values that are NaN or infinite, written as null";
inline constexpr const char* kLostText = "texts that are not valid UTF-8, written with U+FFFD";

enum class ExportFormat : uint8_t { kLineProtocol, kJson, kCsv };

struct ExportFormatOptions {
  ExportFormat format = ExportFormat::kLineProtocol;
  /// JSON and CSV: writes a first line with types, and every value losslessly. Otherwise NaN and
  /// infinity become null, and invalid UTF-8 becomes U+FFFD, as in query results.
  bool typed = false;
  bool safe = false;  ///< kCsv: see spreadsheet_text()
};

std::unique_ptr<RowWriter> make_row_writer(const std::vector<TypedMeasurement>& measurements,
                                           const ExportFormatOptions& options);

// One function per format.
std::unique_ptr<RowWriter> make_line_protocol_rows(
    const std::vector<TypedMeasurement>& measurements);
std::unique_ptr<RowWriter> make_json_rows(const std::vector<TypedMeasurement>& measurements,
                                          bool typed);
std::unique_ptr<RowWriter> make_csv_rows(const std::vector<TypedMeasurement>& measurements,
                                         const ExportFormatOptions& options);

}  // namespace tocsin
