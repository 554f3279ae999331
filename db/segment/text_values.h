// The values of a string column without a dictionary: compressed blocks, or templates.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "db/encoding/template.h"
#include "db/encoding/text.h"
#include "db/segment/opened_once.h"
#include "db/segment/stored_column.h"

namespace tocsin {

/// Texts by value index, without nulls. Borrows `column` and the segment's bytes. Safe for
/// concurrent readers.
class TextValues {
 public:
  /// kCorrupt if a buffer is damaged. Requires: the encoding is kBlocks or kTemplates.
  static Result<std::unique_ptr<TextValues>> open(const StoredColumn& column);

  /// Sets out.values[i] to the text of value values[i], unless that is UINT32_MAX.
  /// Requires: `values` ascend, out.values.size() == values.size().
  Status read(std::span<const uint32_t> values, StringVector& out) const;

  // Requires: the encoding is kTemplates.
  const std::vector<TextTemplate>& templates() const&;
  const std::vector<TextTemplate>& templates() const&& = delete;
  /// Of values [first, first + out.size()); damaged ones may have no template.
  void read_template_ids(size_t first, std::span<uint32_t> out) const {
    templates_->read_numbers(first, out);
  }
  /// Null if the texts do not spell numbers in one way.
  const IdFormat* id_format() const& { return id_format_ ? &*id_format_ : nullptr; }
  const IdFormat* id_format() const&& = delete;
  /// Requires: id_format() is not null.
  const IntegerStream& ids() const& { return templates_->ids(); }
  const IntegerStream& ids() const&& = delete;

 private:
  Status open_templates(const StoredColumn& column);

  explicit TextValues(const StoredColumn& column) : column_(column) {}

  const StoredColumn& column_;
  TextReader blocks_;                        // kBlocks
  std::optional<TemplateReader> templates_;  // kTemplates
  std::optional<IdFormat> id_format_;
  OpenedOnce<std::vector<TextTemplate>> parsed_templates_;
};

}  // namespace tocsin
