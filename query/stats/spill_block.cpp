// A block has, for each column, a header followed by sections, each aligned to 8 bytes. It is only
// read by the process that wrote it.
#include "query/stats/spill_block.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>
#include <utility>

#include "db/base/check.h"

namespace tocsin {
namespace {

struct LaneHeader {
  SpillForm form = SpillForm::kNulls;
  uint8_t has_valid = 0;
  // For kIds: the format of the strings; the text section has its prefix.
  uint8_t is_hex = 0;
  uint8_t is_upper = 0;
  uint32_t digits = 0;
  uint64_t text_bytes = 0;  // for kIds and kTexts
};

size_t padded(size_t size) { return (size + 7) / 8 * 8; }

template <class T>
void put(std::span<const T> section, std::vector<std::byte>& block) {
  const auto bytes = std::as_bytes(section);
  block.insert(block.end(), bytes.begin(), bytes.end());
  block.resize(padded(block.size()));
}

}  // namespace

// ---- SpillLane ----------------------------------------------------------------------------------

void SpillLane::begin(SpillForm form, const Vector& vector) {
  form_ = form;
  if (form == SpillForm::kIds) format_ = *vector.id_format;
}

void SpillLane::append(const Vector& vector, size_t before, std::span<const uint32_t> rows,
                       std::span<const uint32_t> codes) {
  const auto add = [&](auto& to, auto value) {
    to.resize(before + rows.size());
    auto* const out = to.data() + before;
    for (size_t i = 0; i < rows.size(); ++i) out[i] = value(i);
  };
  if (!vector.valid.empty() || !valid_.empty()) {
    valid_.resize(before, 1);
    add(valid_, [&](size_t i) { return static_cast<uint8_t>(!vector.is_null(rows[i])); });
  }
  switch (form_) {
    case SpillForm::kNulls: break;
    case SpillForm::kBytes: add(bytes_, [&](size_t i) { return vector.boolean[rows[i]]; }); break;
    case SpillForm::kWords:
      if (vector.type == ValueType::kF64) {
        add(words_, [&](size_t i) { return std::bit_cast<uint64_t>(vector.f64[rows[i]]); });
      } else if (vector.type == ValueType::kU64) {
        add(words_, [&](size_t i) { return vector.u64[rows[i]]; });
      } else {
        add(words_, [&](size_t i) { return static_cast<uint64_t>(vector.i64[rows[i]]); });
      }
      break;
    case SpillForm::kIds:
      add(words_, [&](size_t i) { return vector.is_null(rows[i]) ? 0 : vector.id_at(rows[i]); });
      break;
    case SpillForm::kCodes:  // null, 0, wraps to the greatest code
      add(codes_, [&](size_t i) { return codes[i] - 1; });
      break;
    case SpillForm::kTexts:
      add(codes_, [&](size_t i) {
        const std::string_view text = vector.is_null(rows[i]) ? "" : vector.text_at(rows[i]);
        text_ += text;
        return static_cast<uint32_t>(text.size());
      });
      break;
  }
}

void SpillLane::write_to(std::vector<std::byte>& block) {
  const std::string& text = form_ == SpillForm::kIds ? format_.prefix : text_;
  const LaneHeader header{form_,          !valid_.empty(), format_.is_hex, format_.is_upper,
                          format_.digits, text.size()};
  put(std::span(&header, 1), block);
  put(std::span<const uint8_t>(valid_), block);
  put(std::span<const uint64_t>(words_), block);
  put(std::span<const uint32_t>(codes_), block);
  put(std::span<const uint8_t>(bytes_), block);
  put(std::span<const char>(text), block);
  valid_.clear();
  words_.clear();
  codes_.clear();
  bytes_.clear();
  text_.clear();
}

size_t SpillLane::memory_bytes() const {
  return valid_.capacity() + bytes_.capacity() + words_.capacity() * sizeof(uint64_t) +
         codes_.capacity() * sizeof(uint32_t) + text_.capacity();
}

// ---- SpillBlockSource ---------------------------------------------------------------------------

SpillBlockSource::SpillBlockSource(std::span<const PlanColumn> columns)
    : columns_(columns), lanes_(columns.size()) {}

void SpillBlockSource::open(size_t row_count, std::span<const Dictionary> dictionaries) {
  row_count_ = row_count;
  dictionaries_ = dictionaries;
  const std::byte* at = block_.data();
  const auto section = [&](size_t size) { return std::exchange(at, at + padded(size)); };
  for (Lane& lane : lanes_) {
    LaneHeader header;
    std::memcpy(&header, section(sizeof header), sizeof header);
    lane.form = header.form;
    lane.has_valid = header.has_valid != 0;
    lane.valid = section(lane.has_valid ? row_count : 0);
    switch (lane.form) {
      case SpillForm::kNulls: break;
      case SpillForm::kBytes: lane.values = section(row_count); break;
      case SpillForm::kWords:
      case SpillForm::kIds: lane.values = section(row_count * sizeof(uint64_t)); break;
      case SpillForm::kCodes:
      case SpillForm::kTexts: lane.values = section(row_count * sizeof(uint32_t)); break;
    }
    lane.text = reinterpret_cast<const char*>(section(header.text_bytes));
    if (lane.form != SpillForm::kIds) continue;
    lane.format = {std::string(lane.text, header.text_bytes), header.is_hex != 0,
                   header.is_upper != 0, static_cast<uint8_t>(header.digits)};
  }
  TOCSIN_CHECK(at == block_.data() + block_.size());
}

Status SpillBlockSource::read(uint32_t column, size_t start, size_t count,
                              std::span<const uint32_t>, Vector& out) {
  TOCSIN_CHECK(start == 0 && count == row_count_);
  const Lane& lane = lanes_[column];
  const ValueType type = columns_[column].type;
  if (lane.form == SpillForm::kNulls) {
    out.reset_null(type, count);
    return {};
  }
  out.reset(type, count);
  show_valid(lane, out);
  switch (lane.form) {
    case SpillForm::kNulls: break;
    case SpillForm::kBytes: out.boolean = lane.as<uint8_t>(count); break;
    case SpillForm::kWords:
      if (type == ValueType::kF64) {
        out.f64 = lane.as<double>(count);
      } else if (type == ValueType::kU64) {
        out.u64 = lane.as<uint64_t>(count);
      } else {
        out.i64 = lane.as<int64_t>(count);
      }
      break;
    case SpillForm::kIds: {
      const auto text = out.make_text();
      const auto numbers = lane.as<uint64_t>(count);
      for (size_t i = 0; i < count; ++i) {
        text[i] = out.is_null(i) ? std::string_view() : out.keep(lane.format.text(numbers[i]));
      }
      break;
    }
    case SpillForm::kCodes: {
      out.dictionary = &dictionaries_[column];
      const auto null_code = static_cast<uint32_t>(out.dictionary->entries.size());
      const auto codes = lane.as<uint32_t>(count);
      const auto shown = out.make_codes();
      for (size_t i = 0; i < count; ++i) shown[i] = std::min(codes[i], null_code);
      break;
    }
    case SpillForm::kTexts: {
      const auto text = out.make_text();
      const auto lengths = lane.as<uint32_t>(count);
      const char* at = lane.text;
      for (size_t i = 0; i < count; ++i) {
        text[i] = {std::exchange(at, at + lengths[i]), lengths[i]};
      }
      break;
    }
  }
  return {};
}

Result<bool> SpillBlockSource::read_ids(uint32_t column, size_t start, size_t count, Vector& out) {
  TOCSIN_CHECK(start == 0 && count == row_count_);
  const Lane& lane = lanes_[column];
  if (lane.form != SpillForm::kIds) return false;
  out.reset(ValueType::kString, count);
  show_valid(lane, out);
  out.id_format = &lane.format;
  out.ids = lane.as<uint64_t>(count);
  return true;
}

Result<const Dictionary*> SpillBlockSource::dictionary(uint32_t column) {
  return lanes_[column].form == SpillForm::kCodes ? &dictionaries_[column] : nullptr;
}

void SpillBlockSource::show_valid(const Lane& lane, Vector& out) const {
  if (!lane.has_valid) return;
  out.valid = {reinterpret_cast<const uint8_t*>(lane.valid), row_count_};
}

}  // namespace tocsin
