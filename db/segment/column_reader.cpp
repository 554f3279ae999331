#include "db/segment/column_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "db/base/check.h"
#include "db/encoding/bit_packing.h"
#include "db/encoding/float.h"
#include "db/limits.h"

namespace tocsin {
namespace {

template <class T>
std::span<const T> array_of(ByteView bytes) {
  return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
}

/// The double next to an integer, on the side away from the range's middle.
double round_outwards(double nearest, bool is_exact, double direction) {
  return is_exact ? nearest : std::nextafter(nearest, direction);
}

template <class T>
ColumnStatistics integer_statistics(uint64_t min_bits, uint64_t max_bits) {
  constexpr double kExactMax = 9007199254740992.0;  // 2^53
  const auto min = static_cast<double>(static_cast<T>(min_bits));
  const auto max = static_cast<double>(static_cast<T>(max_bits));
  ColumnStatistics statistics;
  statistics.has_range = true;
  statistics.min = round_outwards(min, std::fabs(min) <= kExactMax, -INFINITY);
  statistics.max = round_outwards(max, std::fabs(max) <= kExactMax, INFINITY);
  return statistics;
}

ColumnStatistics statistics_of(const format::Column& stored, uint32_t row_count) {
  ColumnStatistics statistics;
  if (stored.has_range()) {
    switch (static_cast<ColumnType>(stored.type())) {
      case ColumnType::kI64:
        statistics = integer_statistics<int64_t>(stored.min(), stored.max());
        break;
      case ColumnType::kU64:
      case ColumnType::kBool:
        statistics = integer_statistics<uint64_t>(stored.min(), stored.max());
        break;
      case ColumnType::kF64:
        statistics.has_range = true;
        statistics.min = std::bit_cast<double>(stored.min());
        statistics.max = std::bit_cast<double>(stored.max());
        break;
      case ColumnType::kString: break;
    }
  }
  statistics.null_count = row_count - stored.value_count();
  return statistics;
}

bool encoding_fits(Encoding encoding, ColumnType type) {
  switch (encoding) {
    case Encoding::kIntegers: return type == ColumnType::kI64 || type == ColumnType::kU64;
    case Encoding::kDecimals:
    case Encoding::kDoubles: return type == ColumnType::kF64;
    case Encoding::kBits: return type == ColumnType::kBool;
    case Encoding::kDictionary:
    case Encoding::kBlocks:
    case Encoding::kTemplates: return type == ColumnType::kString;
  }
  return false;
}

bool readable_as(ColumnType stored, ColumnType wanted) {
  if (stored == wanted) return true;
  return wanted == ColumnType::kF64 && (stored == ColumnType::kI64 || stored == ColumnType::kU64);
}

}  // namespace

tl::unexpected<Error> ColumnReader::damaged(const std::string& what) const {
  return fail(ErrorCode::kCorrupt,
              fmt::format("segment {} is damaged: column `{}`: {}; see `tocsin verify` and "
                          "`tocsin repair`",
                          info_.name, stored_.name()->str(), what));
}

ColumnReader::ColumnReader(const SegmentInfo& info, const SegmentBuffers& buffers,
                           const format::Column& stored, ColumnType type)
    : info_(info),
      buffers_(buffers),
      stored_(stored),
      stored_type_(static_cast<ColumnType>(stored.type())),
      type_(type),
      encoding_(static_cast<Encoding>(stored.encoding())),
      value_count_(stored.value_count()),
      statistics_(statistics_of(stored, info.row_count)) {}

Result<std::unique_ptr<ColumnReader>> ColumnReader::open(const SegmentInfo& info,
                                                         const SegmentBuffers& buffers,
                                                         const format::Column& stored,
                                                         ColumnType type) {
  std::unique_ptr<ColumnReader> reader(new ColumnReader(info, buffers, stored, type));
  if (stored.encoding() < static_cast<uint16_t>(Encoding::kIntegers) ||
      stored.encoding() > static_cast<uint16_t>(Encoding::kTemplates)) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("segment {}: column `{}` has encoding {}, which this version does not "
                            "know; use the version of tocsin that wrote it, or a later one",
                            info.name, stored.name()->str(), stored.encoding()));
  }
  if (reader->value_count_ > info.row_count) return reader->damaged("more values than rows");
  if (!encoding_fits(reader->encoding_, reader->stored_type_)) {
    return reader->damaged("the encoding does not fit its type");
  }
  if (!readable_as(reader->stored_type_, type)) {
    return reader->damaged(fmt::format("it holds {} where the catalog has {}",
                                       name_of(reader->stored_type_), name_of(type)));
  }
  const std::array dictionary{NamedBuffer{"entry_offsets", stored.entry_offsets()},
                              NamedBuffer{"entry_bytes", stored.entry_bytes()},
                              NamedBuffer{"entry_stats", stored.entry_stats()}};
  buffers.load_ahead(dictionary);
  return reader;
}

template <class Open>
Status ColumnReader::ensure(Part& part, Open open) const {
  if (part.ready.load(std::memory_order_acquire)) return {};
  std::lock_guard lock(mutex_);
  if (part.ready.load(std::memory_order_relaxed)) return {};
  TOCSIN_RETURN_IF_ERROR(open());
  part.ready.store(true, std::memory_order_release);
  return {};
}

Status ColumnReader::ensure_values() const {
  return ensure(values_part_, [this] { return open_values(); });
}
Status ColumnReader::ensure_valid() const {
  return ensure(valid_part_, [this] { return open_valid(); });
}
Status ColumnReader::ensure_dictionary() const {
  return ensure(dictionary_part_, [this] { return open_dictionary(); });
}

Status ColumnReader::open_integers(const format::Buffer* buffer, const char* name, size_t count,
                                   IntegerStream& stream) const {
  TOCSIN_TRY(ByteView bytes, open_bytes(buffer, name));
  if (!stream.open(bytes, count)) return damaged(std::string(name) + " is no integer stream");
  return {};
}

Result<ByteView> ColumnReader::open_bytes(const format::Buffer* buffer, const char* name) const {
  return buffers_.open(buffer, info_.name, stored_.name()->str() + "/" + name);
}

Result<ByteView> ColumnReader::open_array(const format::Buffer* buffer, const char* name,
                                          size_t item_size, size_t count) const {
  TOCSIN_TRY(ByteView bytes, open_bytes(buffer, name));
  if (bytes.size() != count * item_size) {
    return damaged(
        fmt::format("{} has {} bytes instead of {}", name, bytes.size(), count * item_size));
  }
  return bytes;
}

Status ColumnReader::open_values() const {
  switch (encoding_) {
    case Encoding::kIntegers:
    case Encoding::kDictionary:
      return open_integers(stored_.values(), "values", value_count_, integers_);
    case Encoding::kDecimals: return open_decimals();
    case Encoding::kDoubles: {
      TOCSIN_TRY(ByteView bytes, open_array(stored_.values(), "values", 8, value_count_));
      doubles_ = array_of<double>(bytes);
      return {};
    }
    case Encoding::kBits: {
      TOCSIN_TRY(ByteView bytes,
                 open_array(stored_.values(), "values", 8, (value_count_ + 63) / 64));
      bits_ = array_of<uint64_t>(bytes);
      return {};
    }
    case Encoding::kBlocks: return open_blocks(stored_.values(), value_count_, texts_);
    case Encoding::kTemplates: return open_templates();
  }
  return damaged("unknown encoding");
}

Status ColumnReader::open_decimals() const {
  if (stored_.exponent() > kDecimalExponentMax) return damaged("exponent out of range");
  TOCSIN_RETURN_IF_ERROR(open_integers(stored_.values(), "values", value_count_, integers_));
  if (stored_.positions() == nullptr) return {};
  TOCSIN_TRY(ByteView positions, open_bytes(stored_.positions(), "positions"));
  positions_ = array_of<uint32_t>(positions);
  if (!std::is_sorted(positions_.begin(), positions_.end())) {
    return damaged("positions do not ascend");
  }
  TOCSIN_TRY(ByteView exceptions,
             open_array(stored_.exceptions(), "exceptions", sizeof(double), positions_.size()));
  exceptions_ = array_of<double>(exceptions);
  return {};
}

Status ColumnReader::open_blocks(const format::Buffer* bytes, size_t count,
                                 TextReader& reader) const {
  if (stored_.compression() > static_cast<uint8_t>(Compression::kZstd)) {
    return damaged("unknown compression");
  }
  const size_t block_count = vector_count(count);
  TOCSIN_TRY(ByteView lengths, open_bytes(stored_.lengths(), "lengths"));
  TOCSIN_TRY(ByteView table,
             open_array(stored_.blocks(), "blocks", sizeof(TextBlock), block_count));
  TOCSIN_TRY(ByteView texts, open_bytes(bytes, "values"));
  if (!reader.open(static_cast<Compression>(stored_.compression()), count, lengths,
                   array_of<TextBlock>(table), texts)) {
    return damaged("lengths or blocks are wrong");
  }
  return {};
}

Status ColumnReader::open_templates() const {
  TemplateReader reader;
  TOCSIN_TRY(ByteView numbers, open_bytes(stored_.values(), "values"));
  if (!reader.open(numbers, value_count_)) return damaged("values is no integer stream");
  for (size_t i = 0; stored_.variables() != nullptr && i < stored_.variables()->size(); ++i) {
    const format::Variables* stream = stored_.variables()->Get(static_cast<uint32_t>(i));
    TOCSIN_TRY(ByteView values, open_bytes(stream->values(), "variables"));
    TOCSIN_TRY(ByteView starts, open_bytes(stream->starts(), "variables/starts"));
    if (!reader.add_variables(values, starts)) return damaged("variables are wrong");
  }
  if (stored_.whole() != nullptr) {
    TOCSIN_TRY(ByteView starts, open_bytes(stored_.whole_starts(), "whole_starts"));
    const auto count = reader.open_whole(starts);
    if (!count) return damaged("whole_starts are wrong");
    TextReader whole;
    TOCSIN_RETURN_IF_ERROR(open_blocks(stored_.whole(), *count, whole));
    reader.set_whole(std::move(whole));
  }
  TOCSIN_TRY(ByteView ends, open_bytes(stored_.entry_offsets(), "entry_offsets"));
  TOCSIN_TRY(ByteView patterns, open_bytes(stored_.entry_bytes(), "entry_bytes"));
  TOCSIN_TRY(ByteView slots, open_bytes(stored_.slot_streams(), "slot_streams"));
  if (!reader.set_patterns(array_of<uint32_t>(ends), patterns, slots)) {
    return damaged("templates are wrong");
  }
  id_format_ = reader.id_format();
  templates_ = std::move(reader);
  return {};
}

Status ColumnReader::open_valid() const {
  if (stored_.valid_ranks() == nullptr) {
    TOCSIN_TRY(ByteView rows, open_bytes(stored_.valid(), "valid"));
    if (!valid_rows_.open(rows, value_count_)) return damaged("valid is no integer stream");
    return check_valid_rows();
  }
  const size_t row_count = info_.row_count;
  TOCSIN_TRY(ByteView bits, open_array(stored_.valid(), "valid", 8, (row_count + 63) / 64));
  TOCSIN_TRY(ByteView ranks,
             open_array(stored_.valid_ranks(), "valid_ranks", 4, vector_count(row_count)));
  valid_bits_ = array_of<uint64_t>(bits);
  valid_ranks_ = array_of<uint32_t>(ranks);
  size_t count = 0;
  for (size_t word = 0; word < valid_bits_.size(); ++word) {
    if (word % (kVectorRows / 64) == 0 && valid_ranks_[word / (kVectorRows / 64)] != count) {
      return damaged("the null map's ranks are wrong");
    }
    count += static_cast<size_t>(std::popcount(valid_bits_[word]));
  }
  if (count != value_count_) return damaged("the null map does not match the number of values");
  return {};
}

Status ColumnReader::check_valid_rows() const {
  std::array<uint64_t, kVectorRows> rows;
  uint64_t next = 0;  // the first row that may come
  for (size_t start = 0; start < value_count_; start += kVectorRows) {
    const size_t n = std::min(kVectorRows, value_count_ - start);
    valid_rows_.read(start, n, rows.data());
    for (size_t i = 0; i < n; ++i) {
      if (rows[i] < next || rows[i] >= info_.row_count) {
        return damaged("valid is no ascending list of rows");
      }
      next = rows[i] + 1;
    }
  }
  return {};
}

Status ColumnReader::open_dictionary() const {
  TOCSIN_TRY(ByteView ends_bytes, open_bytes(stored_.entry_offsets(), "entry_offsets"));
  TOCSIN_TRY(ByteView bytes, open_bytes(stored_.entry_bytes(), "entry_bytes"));
  const auto ends = array_of<uint32_t>(ends_bytes);
  TOCSIN_TRY(ByteView statistics, open_array(stored_.entry_stats(), "entry_stats",
                                             sizeof(EntryStatistics), ends.size()));
  std::vector<std::string_view> entries;
  entries.reserve(ends.size());
  uint32_t start = 0;
  for (uint32_t end : ends) {
    if (end < start || end > bytes.size()) return damaged("entry offsets are wrong");
    entries.push_back(text_of(bytes.subspan(start, end - start)));
    start = end;
  }
  entries_ = std::move(entries);
  entry_statistics_ = array_of<EntryStatistics>(statistics);
  return {};
}

size_t ColumnReader::valid_range(size_t start, std::span<uint8_t> out) const {
  if (!valid_bits_.empty()) {
    size_t rank = valid_ranks_[start / kVectorRows];
    for (size_t word = start / kVectorRows * (kVectorRows / 64); word < start / 64; ++word) {
      rank += static_cast<size_t>(std::popcount(valid_bits_[word]));
    }
    if (start % 64 != 0) {
      const uint64_t below = (uint64_t{1} << (start % 64)) - 1;
      rank += static_cast<size_t>(std::popcount(valid_bits_[start / 64] & below));
    }
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = valid_bits_[(start + i) / 64] >> ((start + i) % 64) & 1;
    }
    return rank;
  }
  std::fill(out.begin(), out.end(), 0);
  const size_t first = valid_rows_.lower_bound(static_cast<int64_t>(start));
  const size_t last = valid_rows_.lower_bound(static_cast<int64_t>(start + out.size()));
  std::array<uint64_t, kVectorRows> rows;
  for (size_t at = first; at < last; at += kVectorRows) {
    const size_t n = std::min(kVectorRows, last - at);
    valid_rows_.read(at, n, rows.data());
    for (size_t i = 0; i < n; ++i) {
      if (rows[i] - start < out.size()) out[rows[i] - start] = 1;
    }
  }
  return first;
}

Status ColumnReader::read_valid(size_t start, std::span<uint8_t> out) const {
  TOCSIN_CHECK(start + out.size() <= info_.row_count);
  if (!has_nulls()) {
    std::fill(out.begin(), out.end(), 1);
    return {};
  }
  if (out.empty()) return {};
  TOCSIN_RETURN_IF_ERROR(ensure_valid());
  valid_range(start, out);
  return {};
}

template <class T, class ReadValues>
Status ColumnReader::read_rows(size_t start, std::span<T> out, Only only,
                               ReadValues read_values) const {
  TOCSIN_CHECK(start + out.size() <= info_.row_count);
  TOCSIN_RETURN_IF_ERROR(ensure_values());
  if (out.empty()) return {};
  if (!has_nulls()) {
    read_values(start, out, only);
    return {};
  }
  TOCSIN_RETURN_IF_ERROR(ensure_valid());
  std::array<uint8_t, kVectorRows> valid;
  std::array<T, kVectorRows> values;
  for (size_t done = 0; done < out.size(); done += kVectorRows) {
    const size_t n = std::min(kVectorRows, out.size() - done);
    const size_t first = valid_range(start + done, std::span(valid).first(n));
    size_t count = 0;
    for (size_t i = 0; i < n; ++i) count += valid[i];
    if (count > value_count_ || first > value_count_ - count) return damaged("null map");
    if (count != 0) read_values(first, std::span(values).first(count), Only());
    size_t at = 0;
    for (size_t i = 0; i < n; ++i) {
      out[done + i] = valid[i] ? values[at] : T{};
      at += valid[i];
    }
  }
  return {};
}

Status ColumnReader::read_i64(size_t start, std::span<int64_t> out, Only only) const {
  TOCSIN_CHECK(type_ == ColumnType::kI64);
  return read_rows(start, out, only, [this](size_t first, std::span<int64_t> values, Only some) {
    integers_.read(first, values.size(), values.data(), some);
  });
}

Status ColumnReader::read_u64(size_t start, std::span<uint64_t> out, Only only) const {
  TOCSIN_CHECK(type_ == ColumnType::kU64);
  return read_rows(start, out, only, [this](size_t first, std::span<uint64_t> values, Only some) {
    integers_.read(first, values.size(), values.data(), some);
  });
}

Status ColumnReader::read_f64(size_t start, std::span<double> out, Only only) const {
  TOCSIN_CHECK(type_ == ColumnType::kF64);
  return read_rows(start, out, only, [this](size_t first, std::span<double> values, Only some) {
    read_doubles(first, values, some);
  });
}

void ColumnReader::read_doubles(size_t first, std::span<double> out, Only only) const {
  if (encoding_ == Encoding::kDoubles) {
    std::copy_n(doubles_.begin() + static_cast<ptrdiff_t>(first), out.size(), out.begin());
    return;
  }
  if (encoding_ == Encoding::kDecimals) {
    decode_decimals(integers_, stored_.exponent(), positions_, exceptions_, first, out, only);
    return;
  }
  // An integer column that was widened after this segment was written.
  std::array<uint64_t, kVectorRows> bits;
  for (size_t done = 0; done < out.size(); done += kVectorRows) {
    const size_t n = std::min(kVectorRows, out.size() - done);
    integers_.read(first + done, n, bits.data());
    for (size_t i = 0; i < n; ++i) {
      out[done + i] = stored_type_ == ColumnType::kI64
                          ? static_cast<double>(static_cast<int64_t>(bits[i]))
                          : static_cast<double>(bits[i]);
    }
  }
}

Status ColumnReader::read_bool(size_t start, std::span<uint8_t> out) const {
  TOCSIN_CHECK(type_ == ColumnType::kBool);
  return read_rows(start, out, {}, [this](size_t first, std::span<uint8_t> values, Only) {
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = bits_[(first + i) / 64] >> ((first + i) % 64) & 1;
    }
  });
}

Result<std::span<const std::string_view>> ColumnReader::entries() const {
  TOCSIN_CHECK(has_dictionary());
  TOCSIN_RETURN_IF_ERROR(ensure_dictionary());
  return std::span<const std::string_view>(entries_);
}

Result<std::span<const EntryStatistics>> ColumnReader::entry_statistics() const {
  TOCSIN_CHECK(has_dictionary());
  TOCSIN_RETURN_IF_ERROR(ensure_dictionary());
  return entry_statistics_;
}

Status ColumnReader::check_codes(std::span<const uint32_t> codes) const {
  // The sign of any last - code tells; simple enough for SIMD without a maximum of 32 bits.
  const auto last = static_cast<uint32_t>(entries_.size()) - 1;
  uint32_t signs = 0;
  for (const uint32_t code : codes) signs |= code | (last - code);
  if (!codes.empty() && (signs >> 31) != 0) return damaged("a code has no dictionary entry");
  return {};
}

Status ColumnReader::read_codes(size_t start, std::span<uint32_t> out, Only only) const {
  TOCSIN_CHECK(has_dictionary());
  TOCSIN_RETURN_IF_ERROR(ensure_dictionary());
  TOCSIN_RETURN_IF_ERROR(
      read_rows(start, out, only, [this](size_t first, std::span<uint32_t> values, Only some) {
        integers_.read(first, values.size(), values.data(), some);
      }));
  return check_codes(out);
}

Status ColumnReader::values_of_rows(std::span<const uint32_t> rows,
                                    std::vector<uint32_t>& values) const {
  if (!has_nulls()) {
    values.assign(rows.begin(), rows.end());
    return {};
  }
  TOCSIN_RETURN_IF_ERROR(ensure_valid());
  values.clear();
  values.reserve(rows.size());
  std::array<uint8_t, kVectorRows> valid;
  std::array<uint32_t, kVectorRows> value_of;
  for (size_t at = 0; at < rows.size();) {
    const size_t window = rows[at] / kVectorRows * kVectorRows;
    const size_t n = std::min(kVectorRows, info_.row_count - window);
    auto next = static_cast<uint32_t>(valid_range(window, std::span(valid).first(n)));
    for (size_t i = 0; i < n; ++i) {
      value_of[i] = valid[i] ? next : UINT32_MAX;
      next += valid[i];
    }
    if (next > value_count_) return damaged("null map");
    for (; at < rows.size() && rows[at] < window + n; ++at) {
      TOCSIN_CHECK(rows[at] >= window);
      values.push_back(value_of[rows[at] - window]);
    }
  }
  return {};
}

Result<std::span<const TextTemplate>> ColumnReader::templates() const {
  TOCSIN_CHECK(has_templates());
  TOCSIN_RETURN_IF_ERROR(ensure_values());
  TOCSIN_RETURN_IF_ERROR(ensure(text_templates_part_, [this]() -> Status {
    text_templates_ = templates_.templates();
    return {};
  }));
  return std::span<const TextTemplate>(text_templates_);
}

Status ColumnReader::read_template_ids(size_t start, std::span<uint32_t> out) const {
  TOCSIN_TRY(const auto templates, this->templates());
  TOCSIN_RETURN_IF_ERROR(
      read_rows(start, out, {}, [this](size_t first, std::span<uint32_t> values, Only) {
        templates_.read_numbers(first, values);
      }));
  uint32_t max = 0;
  for (uint32_t number : out) max = std::max(max, number);
  if (!out.empty() && max >= templates.size()) return damaged("a row has no template");
  return {};
}

Result<const IdFormat*> ColumnReader::id_format() const {
  if (!has_templates()) return nullptr;
  TOCSIN_RETURN_IF_ERROR(ensure_values());
  return id_format_ ? &*id_format_ : nullptr;
}

Status ColumnReader::read_ids(size_t start, std::span<uint64_t> out) const {
  TOCSIN_TRY(const IdFormat* format, id_format());
  TOCSIN_CHECK(format != nullptr);
  return read_rows(start, out, {}, [this](size_t first, std::span<uint64_t> values, Only) {
    templates_.ids().read(first, values.size(), values.data());
  });
}

Status ColumnReader::read_distinct_ids(std::vector<uint64_t>& out) const {
  TOCSIN_TRY(const IdFormat* format, id_format());
  TOCSIN_CHECK(format != nullptr);
  out.resize(templates_.ids().entry_count());
  templates_.ids().read_entries(out);
  return {};
}

Status ColumnReader::read_id_codes(size_t start, std::span<uint32_t> out) const {
  TOCSIN_TRY(const IdFormat* format, id_format());
  TOCSIN_CHECK(format != nullptr && templates_.ids().entry_count() != 0);
  return read_rows(start, out, {}, [this](size_t first, std::span<uint32_t> codes, Only) {
    templates_.ids().read_codes(first, codes.size(), codes.data());
  });
}

Status ColumnReader::read_strings(std::span<const uint32_t> rows, StringVector& out) const {
  TOCSIN_CHECK(type_ == ColumnType::kString);
  TOCSIN_CHECK(rows.empty() || rows.back() < info_.row_count);
  out.values.clear();
  out.bytes.clear();
  if (rows.empty()) return {};
  TOCSIN_RETURN_IF_ERROR(ensure_values());
  std::vector<uint32_t> values;
  TOCSIN_RETURN_IF_ERROR(values_of_rows(rows, values));
  out.values.resize(rows.size());
  return has_dictionary() ? read_entries(values, out) : read_text(values, out);
}

Status ColumnReader::read_entries(std::span<const uint32_t> values, StringVector& out) const {
  TOCSIN_RETURN_IF_ERROR(ensure_dictionary());
  std::array<uint32_t, kVectorRows> codes;
  size_t window = SIZE_MAX;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] == UINT32_MAX) continue;
    if (values[i] / kVectorRows != window) {
      window = values[i] / kVectorRows;
      const size_t n = std::min(kVectorRows, value_count_ - window * kVectorRows);
      integers_.read(window * kVectorRows, n, codes.data());
      TOCSIN_RETURN_IF_ERROR(check_codes(std::span(codes).first(n)));
    }
    out.values[i] = entries_[codes[values[i] % kVectorRows]];
  }
  return {};
}

Status ColumnReader::read_text(std::span<const uint32_t> values, StringVector& out) const {
  if (encoding_ == Encoding::kTemplates) {
    if (!templates_.read(values, out.bytes, out.values)) return damaged("a template is damaged");
    return {};
  }
  const size_t room = texts_.room(values);
  if (room > kTextBytesMax) return damaged("blocks are impossibly large");
  out.bytes.resize(room);
  if (!texts_.read(values, out.bytes, out.values)) return damaged("a block is damaged");
  return {};
}

}  // namespace tocsin
