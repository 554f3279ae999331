// One column of one opened segment.
#pragma once

#include <memory>
#include <vector>

#include "db/segment/dictionary.h"
#include "db/segment/format.h"
#include "db/segment/null_map.h"
#include "db/segment/number_values.h"
#include "db/segment/opened_once.h"
#include "db/segment/segment.h"
#include "db/segment/stored_column.h"
#include "db/segment/text_values.h"

namespace tocsin {

/// Reads a stored column as `type`. Its parts are checked and opened when first used.
class ColumnReader final : public SegmentColumn {
 public:
  /// `info`, `buffers` and the segment's metadata must outlive the reader. kCorrupt if the metadata
  /// contradict each other, kUnsupported for an unknown encoding. Starts to load the dictionary,
  /// whose entries most readers need first.
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
  ColumnReader(const StoredColumn& stored, ColumnType type);

  Result<const NullMap*> nulls() const;
  Result<const NumberValues*> numbers() const;
  Result<const StringDictionary*> dictionary() const;
  Result<const TextValues*> texts() const;
  /// The texts of a column whose id_format() is not null.
  Result<const TextValues*> texts_with_ids() const;

  /// Reads rows through `read_values(first value, out, only)`, which knows no nulls; `only` is
  /// empty if the column has nulls, because values then are not rows.
  template <class T, class ReadValues>
  Status read_rows(size_t start, std::span<T> out, Only only, ReadValues read_values) const;
  template <class T>
  Status read_integers(size_t start, std::span<T> out, Only only) const;
  /// The value index of each row; UINT32_MAX for a null row.
  Status values_of_rows(std::span<const uint32_t> rows, std::vector<uint32_t>& values) const;

  const StoredColumn stored_;
  const ColumnType type_;
  const Encoding encoding_;
  const ColumnStatistics statistics_;

  // With their own synchronisation.
  OpenedOnce<NullMap> nulls_;                // a column with nulls
  OpenedOnce<NumberValues> numbers_;         // numbers, bools, codes of a dictionary
  OpenedOnce<StringDictionary> dictionary_;  // kDictionary
  OpenedOnce<TextValues> texts_;             // kBlocks, kTemplates
};

}  // namespace tocsin
