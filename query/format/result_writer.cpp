#include "query/format/result_writer.h"

#include <cstdint>

namespace tocsin {

bool ResultWriter::write(std::string& out, size_t byte_count) {
  const size_t wanted = byte_count > SIZE_MAX - out.size() ? SIZE_MAX : out.size() + byte_count;
  if (!begun_) begin(out);
  begun_ = true;
  while (next_row_ < table_.row_count && out.size() < wanted) write_row(next_row_++, out);
  if (next_row_ == table_.row_count && !ended_) {
    end(out);
    ended_ = true;
  }
  return !ended_;
}

std::unique_ptr<ResultWriter> make_result_writer(const ResultTable& table, ResultFormat format,
                                                 const FormatOptions& options) {
  switch (format) {
    case ResultFormat::kTable: return make_table_writer(table, options);
    case ResultFormat::kCsv: return make_csv_writer(table, options);
    case ResultFormat::kJson: return make_json_writer(table, options);
    case ResultFormat::kNdjson: return make_ndjson_writer(table, options);
    case ResultFormat::kLineProtocol: return make_line_protocol_writer(table);
  }
  return nullptr;
}

std::string format_result(const ResultTable& table, ResultFormat format,
                          const FormatOptions& options) {
  std::string out;
  make_result_writer(table, format, options)->write(out, SIZE_MAX);
  return out;
}

}  // namespace tocsin
