// Writes a result as text piece by piece, so that a long text need not be in memory as a whole.
#pragma once

#include <memory>
#include <string>

#include "query/format/result.h"

namespace tocsin {

/// Writes one table in one format. Not thread-safe; the table must outlive it.
class ResultWriter {
 public:
  explicit ResultWriter(const ResultTable& table) : table_(table) {}
  virtual ~ResultWriter() = default;
  ResultWriter(const ResultWriter&) = delete;
  ResultWriter& operator=(const ResultWriter&) = delete;

  /// Appends at least `byte_count` bytes to `out`, fewer only at the end. False once everything has
  /// been written.
  bool write(std::string& out, size_t byte_count);

 protected:
  virtual void begin(std::string& /*out*/) {}
  virtual void write_row(size_t row, std::string& out) = 0;
  virtual void end(std::string& /*out*/) {}

  const ResultTable& table_;

 private:
  size_t next_row_ = 0;
  bool begun_ = false;
  bool ended_ = false;
};

/// A writer for that format.
std::unique_ptr<ResultWriter> make_result_writer(const ResultTable& table, ResultFormat format,
                                                 const FormatOptions& options);

// One function per format, each in a separate file.
std::unique_ptr<ResultWriter> make_table_writer(const ResultTable& table,
                                                const FormatOptions& options);
std::unique_ptr<ResultWriter> make_csv_writer(const ResultTable& table,
                                              const FormatOptions& options);
std::unique_ptr<ResultWriter> make_json_writer(const ResultTable& table,
                                               const FormatOptions& options);
std::unique_ptr<ResultWriter> make_ndjson_writer(const ResultTable& table,
                                                 const FormatOptions& options);
std::unique_ptr<ResultWriter> make_line_protocol_writer(const ResultTable& table);

}  // namespace tocsin
