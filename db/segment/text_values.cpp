#include "db/segment/text_values.h"

#include "db/base/check.h"
#include "db/encoding/bit_packing.h"
#include "db/segment/format.h"

namespace tocsin {
namespace {

Result<TextReader> open_blocks(const StoredColumn& column, const format::Buffer* buffer,
                               size_t count) {
  if (column->compression() > static_cast<uint8_t>(Compression::kZstd)) {
    return column.damaged("unknown compression");
  }
  TOCSIN_TRY(const ByteView lengths, column.open_bytes(column->lengths(), "lengths"));
  TOCSIN_TRY(const auto blocks,
             column.open_array<TextBlock>(column->blocks(), "blocks", vector_count(count)));
  TOCSIN_TRY(const ByteView bytes, column.open_bytes(buffer, "values"));
  TextReader reader;
  if (!reader.open(static_cast<Compression>(column->compression()), count, lengths, blocks,
                   bytes)) {
    return column.damaged("lengths or blocks are wrong");
  }
  return reader;
}

}  // namespace

Result<std::unique_ptr<TextValues>> TextValues::open(const StoredColumn& column) {
  std::unique_ptr<TextValues> texts(new TextValues(column));
  if (static_cast<Encoding>(column->encoding()) == Encoding::kTemplates) {
    TOCSIN_RETURN_IF_ERROR(texts->open_templates(column));
  } else {
    TOCSIN_TRY(texts->blocks_, open_blocks(column, column->values(), column.value_count()));
  }
  return texts;
}

Status TextValues::open_templates(const StoredColumn& column) {
  TemplateReader& reader = templates_.emplace();
  TOCSIN_TRY(const ByteView numbers, column.open_bytes(column->values(), "values"));
  if (!reader.open(numbers, column.value_count())) {
    return column.damaged("`values` is not a valid integer stream");
  }
  for (uint32_t i = 0; column->variables() != nullptr && i < column->variables()->size(); ++i) {
    const format::Variables* stream = column->variables()->Get(i);
    TOCSIN_TRY(const ByteView values, column.open_bytes(stream->values(), "variables"));
    TOCSIN_TRY(const ByteView starts, column.open_bytes(stream->starts(), "variables/starts"));
    if (!reader.add_variables(values, starts)) return column.damaged("variables are wrong");
  }
  if (column->whole() != nullptr) {
    TOCSIN_TRY(const ByteView starts, column.open_bytes(column->whole_starts(), "whole_starts"));
    const auto count = reader.open_whole(starts);
    if (!count) return column.damaged("whole_starts are wrong");
    TOCSIN_TRY(TextReader whole, open_blocks(column, column->whole(), *count));
    reader.set_whole(std::move(whole));
  }
  TOCSIN_TRY(const auto ends,
             column.open_items<uint32_t>(column->entry_offsets(), "entry_offsets"));
  TOCSIN_TRY(const ByteView patterns, column.open_bytes(column->entry_bytes(), "entry_bytes"));
  TOCSIN_TRY(const ByteView slots, column.open_bytes(column->slot_streams(), "slot_streams"));
  if (!reader.set_patterns(ends, patterns, slots)) return column.damaged("templates are wrong");
  id_format_ = reader.id_format();
  return {};
}

const std::vector<TextTemplate>& TextValues::templates() const& {
  const auto parsed =
      parsed_templates_.get([this]() -> Result<std::unique_ptr<std::vector<TextTemplate>>> {
        return std::make_unique<std::vector<TextTemplate>>(templates_->templates());
      });
  return **parsed;
}

Status TextValues::read(std::span<const uint32_t> values, StringVector& out) const {
  if (templates_) {
    if (templates_->read(values, out.bytes, out.values)) return {};
    return column_.damaged("a template is damaged");
  }
  const size_t room = blocks_.room(values);
  if (room > kTextBytesMax) return column_.damaged("blocks are impossibly large");
  out.bytes.resize(room);
  if (blocks_.read(values, out.bytes, out.values)) return {};
  return column_.damaged("a block is damaged");
}

}  // namespace tocsin
