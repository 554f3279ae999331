// Blocks of spilled rows, stored column by column in the form of vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "db/encoding/text_template.h"
#include "query/plan/plan.h"
#include "query/vector/vector.h"

namespace tocsin {

/// How the values of a column are stored in a block. Only strings have several forms.
enum class SpillForm : uint8_t {
  kNulls,  ///< nothing is stored
  kBytes,
  kWords,
  kIds,    ///< the numbers that strings spell
  kCodes,  ///< of the writer's dictionary
  kTexts,
};

/// Collects the values of one column for a block.
class SpillLane {
 public:
  /// Starts a block for values like those of `vector`. Requires: the lane has no rows.
  void begin(SpillForm form, const Vector& vector);
  /// Whether values of that form can be appended; ids must also have the same format.
  bool accepts(SpillForm form, const Vector& vector) const {
    return form_ == form && (form != SpillForm::kIds || format_ == *vector.id_format);
  }
  /// Appends `rows` of a vector; the lane has `before` rows already. For kCodes, `codes` are the
  /// codes of `rows`, from 1 on; 0 is null.
  void append(const Vector& vector, size_t before, std::span<const uint32_t> rows,
              std::span<const uint32_t> codes);
  /// Moves the rows to the end of `block`.
  void write_to(std::vector<std::byte>& block);

  size_t text_bytes() const { return text_.size(); }
  size_t memory_bytes() const;

 private:
  SpillForm form_ = SpillForm::kNulls;
  IdFormat format_;             // for kIds
  std::vector<uint8_t> valid_;  // 0 is null; empty: no row is null
  std::vector<uint8_t> bytes_;
  std::vector<uint64_t> words_;  // for kWords and kIds
  std::vector<uint32_t> codes_;  // for kTexts: the lengths
  std::string text_;
};

/// Shows the rows of one block at a time. Not thread-safe.
class SpillBlockSource final : public ColumnSource {
 public:
  /// Requires: `columns` outlive it.
  explicit SpillBlockSource(std::span<const PlanColumn> columns);

  /// The buffer that the next block is to be read into.
  std::vector<std::byte>& buffer() { return block_; }
  /// Shows the block in the buffer. `dictionaries` are its writer's, by column; they must outlive
  /// this object.
  void open(size_t row_count, std::span<const Dictionary> dictionaries);

  Status read(uint32_t column, size_t start, size_t count, std::span<const uint32_t> selection,
              Vector& out) override;
  Result<bool> read_ids(uint32_t column, size_t start, size_t count, Vector& out) override;
  Result<const Dictionary*> dictionary(uint32_t column) override;
  size_t row_count() const override { return row_count_; }

 private:
  struct Lane {
    SpillForm form = SpillForm::kNulls;
    bool has_valid = false;
    const std::byte* valid = nullptr;
    const std::byte* values = nullptr;  // for kTexts: the lengths
    const char* text = nullptr;         // for kTexts
    IdFormat format;                    // for kIds

    template <class T>
    std::span<const T> as(size_t count) const {
      return {reinterpret_cast<const T*>(values), count};
    }
  };

  void show_valid(const Lane& lane, Vector& out) const;

  std::span<const PlanColumn> columns_;
  std::span<const Dictionary> dictionaries_;
  size_t row_count_ = 0;
  std::vector<std::byte> block_;
  std::vector<Lane> lanes_;
};

}  // namespace tocsin
