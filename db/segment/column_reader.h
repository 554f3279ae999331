// One column of one opened segment.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "db/encoding/integer.h"
#include "db/encoding/template.h"
#include "db/encoding/text.h"
#include "db/segment/buffer.h"
#include "db/segment/format.h"
#include "db/segment/segment.h"
#include "segment_generated.h"

namespace tocsin {

/// Reads the FlatBuffer's column as `type`. Parts (values, null map, dictionary) are checked when
/// first used.
class ColumnReader final : public SegmentColumn {
 public:
  /// `info`, and the segment's `buffers` and metadata, must outlive the reader. kCorrupt when the
  /// metadata contradict each other. Begins to load the dictionary: its entries are what most ask
  /// for first.
  static Result<std::unique_ptr<ColumnReader>> open(const SegmentInfo& info,
                                                    const SegmentBuffers& buffers,
                                                    const format::Column& stored, ColumnType type);

  ColumnType type() const override { return type_; }
  const ColumnStatistics& statistics() const override { return statistics_; }
  Status read_valid(size_t start, std::span<uint8_t> out) const override;
  Status read_i64(size_t start, std::span<int64_t> out, Only only) const override;
  Status read_u64(size_t start, std::span<uint64_t> out, Only only) const override;
  Status read_f64(size_t start, std::span<double> out, Only only) const override;
  Status read_bool(size_t start, std::span<uint8_t> out) const override;
  bool has_dictionary() const override { return encoding_ == Encoding::kDictionary; }
  Result<std::span<const std::string_view>> entries() const override;
  Result<std::span<const EntryStatistics>> entry_statistics() const override;
  Status read_codes(size_t start, std::span<uint32_t> out, Only only) const override;
  Status read_strings(std::span<const uint32_t> rows, StringVector& out) const override;
  bool has_templates() const override { return encoding_ == Encoding::kTemplates; }
  Result<std::span<const TextTemplate>> templates() const override;
  Status read_template_ids(size_t start, std::span<uint32_t> out) const override;
  Result<const IdFormat*> id_format() const override;
  Status read_ids(size_t start, std::span<uint64_t> out) const override;
  Status read_distinct_ids(std::vector<uint64_t>& out) const override;
  Status read_id_codes(size_t start, std::span<uint32_t> out) const override;

 private:
  /// A part that is opened once, by whichever reader comes first.
  struct Part {
    mutable std::atomic<bool> ready{false};
  };

  ColumnReader(const SegmentInfo& info, const SegmentBuffers& buffers, const format::Column& stored,
               ColumnType type);

  template <class Open>
  Status ensure(Part& part, Open open) const;
  Status ensure_values() const;
  Status ensure_valid() const;
  Status ensure_dictionary() const;
  Status open_values() const;
  Status open_valid() const;
  Status check_valid_rows() const;
  Status open_dictionary() const;
  Status open_decimals() const;
  Status open_blocks(const format::Buffer* bytes, size_t count, TextReader& reader) const;
  Status open_templates() const;
  Status open_integers(const format::Buffer* buffer, const char* name, size_t count,
                       IntegerStream& stream) const;
  Result<ByteView> open_bytes(const format::Buffer* buffer, const char* name) const;
  Result<ByteView> open_array(const format::Buffer* buffer, const char* name, size_t item_size,
                              size_t count) const;

  /// Reads rows through `read_values(first value, out, only)`, which knows no nulls; `only` is
  /// empty where values are not rows.
  template <class T, class ReadValues>
  Status read_rows(size_t start, std::span<T> out, Only only, ReadValues read_values) const;
  /// Which rows of [start, start + out.size()) are valid, and the first one's value index.
  size_t valid_range(size_t start, std::span<uint8_t> out) const;
  void read_doubles(size_t first, std::span<double> out, Only only) const;
  /// Turns rows into value indexes; UINT32_MAX where a row is null.
  Status values_of_rows(std::span<const uint32_t> rows, std::vector<uint32_t>& values) const;
  Status read_text(std::span<const uint32_t> values, StringVector& out) const;
  Status read_entries(std::span<const uint32_t> values, StringVector& out) const;
  Status check_codes(std::span<const uint32_t> codes) const;
  tl::unexpected<Error> damaged(const std::string& what) const;

  const SegmentInfo& info_;
  const SegmentBuffers& buffers_;
  const format::Column& stored_;
  const ColumnType stored_type_;
  const ColumnType type_;
  const Encoding encoding_;
  const size_t value_count_;
  ColumnStatistics statistics_;

  // Set once under mutex_ before the part is ready, constant from then on.
  mutable std::mutex mutex_;
  mutable Part values_part_, valid_part_, dictionary_part_, text_templates_part_;
  mutable IntegerStream integers_;           // integers, decimals, codes
  mutable std::span<const double> doubles_;  // kDoubles
  mutable std::span<const uint64_t> bits_;   // kBits
  mutable std::span<const uint32_t> positions_;
  mutable std::span<const double> exceptions_;
  mutable TextReader texts_;          // kBlocks
  mutable TemplateReader templates_;  // kTemplates
  mutable std::vector<TextTemplate> text_templates_;
  mutable std::optional<IdFormat> id_format_;
  mutable std::span<const uint64_t> valid_bits_;  // null map as a bitmap, or
  mutable std::span<const uint32_t> valid_ranks_;
  mutable PackedIntegers valid_rows_;  // as ascending rows
  mutable std::vector<std::string_view> entries_;
  mutable std::span<const EntryStatistics> entry_statistics_;
};

}  // namespace tocsin
