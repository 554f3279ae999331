#include "db/segment/column_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "db/base/check.h"
#include "db/base/exact_integer.h"
#include "db/limits.h"

namespace tocsin {
namespace {

/// `nearest`, or unless it is exact the next double towards `direction`, so that a range of doubles
/// holds every integer that it stands for.
double round_outwards(double nearest, bool is_exact, double direction) {
  return is_exact ? nearest : std::nextafter(nearest, direction);
}

template <class T>
ColumnStatistics integer_statistics(uint64_t min_bits, uint64_t max_bits) {
  constexpr auto kExactMax = static_cast<double>(kExactIntegerMax);
  const auto min = static_cast<double>(static_cast<T>(min_bits));
  const auto max = static_cast<double>(static_cast<T>(max_bits));
  // 2^53 itself may stand for 2^53 + 1, which no double can hold.
  ColumnStatistics statistics;
  statistics.has_range = true;
  statistics.min = round_outwards(min, std::fabs(min) < kExactMax, -INFINITY);
  statistics.max = round_outwards(max, std::fabs(max) < kExactMax, INFINITY);
  return statistics;
}

ColumnStatistics statistics_of(const StoredColumn& stored) {
  ColumnStatistics statistics;
  if (stored->has_range()) {
    switch (static_cast<ColumnType>(stored->type())) {
      case ColumnType::kI64:
        statistics = integer_statistics<int64_t>(stored->min(), stored->max());
        break;
      case ColumnType::kU64:
      case ColumnType::kBool:
        statistics = integer_statistics<uint64_t>(stored->min(), stored->max());
        break;
      case ColumnType::kF64:
        statistics.has_range = true;
        statistics.min = std::bit_cast<double>(stored->min());
        statistics.max = std::bit_cast<double>(stored->max());
        break;
      case ColumnType::kString: break;
    }
  }
  statistics.null_count = static_cast<uint32_t>(stored.row_count() - stored.value_count());
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

ColumnReader::ColumnReader(const StoredColumn& stored, ColumnType type)
    : stored_(stored),
      type_(type),
      encoding_(static_cast<Encoding>(stored->encoding())),
      statistics_(statistics_of(stored)) {}

Result<std::unique_ptr<ColumnReader>> ColumnReader::open(const SegmentInfo& info,
                                                         const SegmentBuffers& buffers,
                                                         const format::Column& table,
                                                         ColumnType type) {
  const StoredColumn stored(info, buffers, table);
  if (table.encoding() < static_cast<uint16_t>(Encoding::kIntegers) ||
      table.encoding() > static_cast<uint16_t>(Encoding::kTemplates)) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("segment {}: column `{}` has encoding {}, which this version does not "
                            "know; use the version of tocsin that wrote it, or a later one",
                            info.name, table.name()->str(), table.encoding()));
  }
  if (stored.value_count() > stored.row_count()) return stored.damaged("more values than rows");
  const auto stored_type = static_cast<ColumnType>(table.type());
  if (!encoding_fits(static_cast<Encoding>(table.encoding()), stored_type)) {
    return stored.damaged("the encoding does not fit its type");
  }
  if (!readable_as(stored_type, type)) {
    return stored.damaged(
        fmt::format("it holds {} where the catalog has {}", name_of(stored_type), name_of(type)));
  }
  const std::array dictionary{NamedBuffer{"entry_offsets", table.entry_offsets()},
                              NamedBuffer{"entry_bytes", table.entry_bytes()},
                              NamedBuffer{"entry_stats", table.entry_stats()}};
  buffers.load_ahead(dictionary);
  return std::unique_ptr<ColumnReader>(new ColumnReader(stored, type));
}

Result<const NullMap*> ColumnReader::nulls() const {
  return nulls_.get([this] { return NullMap::open(stored_); });
}
Result<const NumberValues*> ColumnReader::numbers() const {
  return numbers_.get([this] { return NumberValues::open(stored_); });
}
Result<const StringDictionary*> ColumnReader::dictionary() const {
  return dictionary_.get([this] { return StringDictionary::open(stored_); });
}
Result<const TextValues*> ColumnReader::texts() const {
  return texts_.get([this] { return TextValues::open(stored_); });
}

Result<const TextValues*> ColumnReader::texts_with_ids() const {
  TOCSIN_CHECK(has_templates());
  TOCSIN_TRY(const TextValues* texts, this->texts());
  TOCSIN_CHECK(texts->id_format() != nullptr);
  return texts;
}

Status ColumnReader::read_valid(size_t start, std::span<uint8_t> out) const {
  TOCSIN_CHECK(start + out.size() <= stored_.row_count());
  if (!has_nulls()) {
    std::fill(out.begin(), out.end(), 1);
    return {};
  }
  if (out.empty()) return {};
  TOCSIN_TRY(const NullMap* nulls, this->nulls());
  nulls->read(start, out);
  return {};
}

template <class T, class ReadValues>
Status ColumnReader::read_rows(size_t start, std::span<T> out, Only only,
                               ReadValues read_values) const {
  TOCSIN_CHECK(start + out.size() <= stored_.row_count());
  if (out.empty()) return {};
  if (!has_nulls()) {
    read_values(start, out, only);
    return {};
  }
  TOCSIN_TRY(const NullMap* nulls, this->nulls());
  const size_t value_count = stored_.value_count();
  std::array<uint8_t, kVectorRows> valid;
  std::array<T, kVectorRows> values;
  for (size_t done = 0; done < out.size(); done += kVectorRows) {
    const size_t n = std::min(kVectorRows, out.size() - done);
    const size_t first = nulls->read(start + done, std::span(valid).first(n));
    size_t count = 0;
    for (size_t i = 0; i < n; ++i) count += valid[i];
    if (count > value_count || first > value_count - count) return stored_.damaged("null map");
    if (count != 0) read_values(first, std::span(values).first(count), Only());
    size_t at = 0;
    for (size_t i = 0; i < n; ++i) {
      out[done + i] = valid[i] ? values[at] : T{};
      at += valid[i];
    }
  }
  return {};
}

template <class T>
Status ColumnReader::read_integers(size_t start, std::span<T> out, Only only) const {
  TOCSIN_TRY(const NumberValues* numbers, this->numbers());
  return read_rows(start, out, only,
                   [&integers = numbers->integers()](size_t first, std::span<T> values, Only some) {
                     integers.read(first, values.size(), values.data(), some);
                   });
}

Status ColumnReader::read_i64(size_t start, std::span<int64_t> out, Only only) const {
  TOCSIN_CHECK(type_ == ColumnType::kI64);
  return read_integers(start, out, only);
}

Status ColumnReader::read_u64(size_t start, std::span<uint64_t> out, Only only) const {
  TOCSIN_CHECK(type_ == ColumnType::kU64);
  return read_integers(start, out, only);
}

Status ColumnReader::read_f64(size_t start, std::span<double> out, Only only) const {
  TOCSIN_CHECK(type_ == ColumnType::kF64);
  TOCSIN_TRY(const NumberValues* numbers, this->numbers());
  return read_rows(start, out, only, [numbers](size_t first, std::span<double> values, Only some) {
    numbers->read_doubles(first, values, some);
  });
}

Status ColumnReader::read_bool(size_t start, std::span<uint8_t> out) const {
  TOCSIN_CHECK(type_ == ColumnType::kBool);
  TOCSIN_TRY(const NumberValues* numbers, this->numbers());
  return read_rows(start, out, {}, [numbers](size_t first, std::span<uint8_t> values, Only) {
    numbers->read_bools(first, values);
  });
}

Result<std::span<const std::string_view>> ColumnReader::entries() const {
  TOCSIN_CHECK(has_dictionary());
  TOCSIN_TRY(const StringDictionary* dictionary, this->dictionary());
  return dictionary->entries();
}

Result<std::span<const EntryStatistics>> ColumnReader::entry_statistics() const {
  TOCSIN_CHECK(has_dictionary());
  TOCSIN_TRY(const StringDictionary* dictionary, this->dictionary());
  return dictionary->statistics();
}

Status ColumnReader::read_codes(size_t start, std::span<uint32_t> out, Only only) const {
  TOCSIN_CHECK(has_dictionary());
  TOCSIN_TRY(const StringDictionary* dictionary, this->dictionary());
  TOCSIN_RETURN_IF_ERROR(read_integers(start, out, only));
  if (!dictionary->has_all(out)) return stored_.damaged("a code has no dictionary entry");
  return {};
}

Status ColumnReader::values_of_rows(std::span<const uint32_t> rows,
                                    std::vector<uint32_t>& values) const {
  if (!has_nulls()) {
    values.assign(rows.begin(), rows.end());
    return {};
  }
  TOCSIN_TRY(const NullMap* nulls, this->nulls());
  if (!nulls->values_of_rows(rows, values)) return stored_.damaged("null map");
  return {};
}

Status ColumnReader::read_strings(std::span<const uint32_t> rows, StringVector& out) const {
  TOCSIN_CHECK(type_ == ColumnType::kString);
  TOCSIN_CHECK(rows.empty() || rows.back() < stored_.row_count());
  out.values.clear();
  out.bytes.clear();
  if (rows.empty()) return {};
  std::vector<uint32_t> values;
  TOCSIN_RETURN_IF_ERROR(values_of_rows(rows, values));
  out.values.resize(rows.size());
  if (!has_dictionary()) {
    TOCSIN_TRY(const TextValues* texts, this->texts());
    return texts->read(values, out);
  }
  TOCSIN_TRY(const StringDictionary* dictionary, this->dictionary());
  TOCSIN_TRY(const NumberValues* numbers, this->numbers());
  if (dictionary->read(values, numbers->integers(), out.values)) return {};
  return stored_.damaged("a code has no dictionary entry");
}

Result<std::span<const TextTemplate>> ColumnReader::templates() const {
  TOCSIN_CHECK(has_templates());
  TOCSIN_TRY(const TextValues* texts, this->texts());
  return std::span<const TextTemplate>(texts->templates());
}

Status ColumnReader::read_template_ids(size_t start, std::span<uint32_t> out) const {
  TOCSIN_CHECK(has_templates());
  TOCSIN_TRY(const TextValues* texts, this->texts());
  TOCSIN_RETURN_IF_ERROR(
      read_rows(start, out, {}, [texts](size_t first, std::span<uint32_t> ids, Only) {
        texts->read_template_ids(first, ids);
      }));
  uint32_t max = 0;
  for (uint32_t id : out) max = std::max(max, id);
  if (!out.empty() && max >= texts->templates().size()) {
    return stored_.damaged("a row has no template");
  }
  return {};
}

Result<const IdFormat*> ColumnReader::id_format() const {
  if (!has_templates()) return nullptr;
  TOCSIN_TRY(const TextValues* texts, this->texts());
  return texts->id_format();
}

Status ColumnReader::read_ids(size_t start, std::span<uint64_t> out) const {
  TOCSIN_TRY(const TextValues* texts, texts_with_ids());
  return read_rows(start, out, {},
                   [&ids = texts->ids()](size_t first, std::span<uint64_t> values, Only) {
                     ids.read(first, values.size(), values.data());
                   });
}

Status ColumnReader::read_distinct_ids(std::vector<uint64_t>& out) const {
  TOCSIN_TRY(const TextValues* texts, texts_with_ids());
  out.resize(texts->ids().entry_count());
  texts->ids().read_entries(out);
  return {};
}

Status ColumnReader::read_id_codes(size_t start, std::span<uint32_t> out) const {
  TOCSIN_TRY(const TextValues* texts, texts_with_ids());
  TOCSIN_CHECK(texts->ids().entry_count() != 0);
  return read_rows(start, out, {},
                   [&ids = texts->ids()](size_t first, std::span<uint32_t> codes, Only) {
                     ids.read_codes(first, codes.size(), codes.data());
                   });
}

}  // namespace tocsin
