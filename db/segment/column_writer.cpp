#include "db/segment/column_writer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <unordered_map>

#include "db/encoding/float.h"
#include "db/encoding/integer.h"
#include "db/encoding/text.h"
#include "db/limits.h"
#include "db/segment/format.h"

namespace tocsin {
namespace {

constexpr size_t kBufferAlignment = 32;

/// A bitmap is smaller than a list of row numbers if at least one row in this many has a value.
constexpr size_t kBitmapRowsPerValueMax = 32;
/// A dictionary pays if there are at least this many values per entry.
constexpr size_t kDictionaryValuesPerEntryMin = 3;

template <class T>
ByteView view_of(const std::vector<T>& items) {
  return {reinterpret_cast<const uint8_t*>(items.data()), items.size() * sizeof(T)};
}

std::vector<uint64_t> bitmap(std::span<const uint32_t> set, uint32_t start, size_t bit_count) {
  std::vector<uint64_t> words((bit_count + 63) / 64);
  for (uint32_t at : set) words[(at - start) / 64] |= uint64_t{1} << ((at - start) % 64);
  return words;
}

template <class T>
void integer_range(std::span<const uint64_t> bits, uint64_t& min_bits, uint64_t& max_bits) {
  T min = static_cast<T>(bits[0]);
  T max = min;
  for (uint64_t b : bits) {
    min = std::min(min, static_cast<T>(b));
    max = std::max(max, static_cast<T>(b));
  }
  min_bits = static_cast<uint64_t>(min);
  max_bits = static_cast<uint64_t>(max);
}

/// EntryStatistics with its padding zeroed.
struct StoredEntry {
  uint32_t row_count;
  uint32_t zero;
  Timestamp first_time;
  Timestamp last_time;
};
static_assert(sizeof(StoredEntry) == sizeof(EntryStatistics));
static_assert(offsetof(StoredEntry, first_time) == offsetof(EntryStatistics, first_time));
static_assert(offsetof(StoredEntry, last_time) == offsetof(EntryStatistics, last_time));

/// Makes a dictionary's entries distinct after the pool has stopped searching for equal strings.
void make_distinct(const StringPool& pool, std::vector<uint32_t>& used,
                   std::vector<uint64_t>& numbers) {
  std::unordered_map<std::string_view, uint32_t> number_of_text;
  std::vector<uint32_t> distinct;
  std::vector<uint32_t> new_number(used.size());
  for (size_t i = 0; i < used.size(); ++i) {
    auto [it, added] = number_of_text.emplace(pool.entry(used[i]), distinct.size());
    if (added) distinct.push_back(used[i]);
    new_number[i] = it->second;
  }
  for (uint64_t& number : numbers) number = new_number[number];
  used = std::move(distinct);
}

/// The entries `used`, the most frequent first, because small codes are packed more tightly.
/// `numbers` become indexes into the result.
std::vector<std::string_view> frequent_first(const StringPool& pool, std::span<const uint32_t> used,
                                             std::vector<uint64_t>& numbers) {
  std::vector<uint32_t> counts(used.size()), order(used.size()), new_number(used.size());
  for (uint64_t number : numbers) ++counts[number];
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return counts[a] > counts[b]; });
  std::vector<std::string_view> entries;
  for (uint32_t number : order) {
    new_number[number] = static_cast<uint32_t>(entries.size());
    entries.push_back(pool.entry(used[number]));
  }
  for (uint64_t& number : numbers) number = new_number[number];
  return entries;
}

}  // namespace

WrittenBuffer write_buffer(flatbuffers::FlatBufferBuilder& builder, ByteView bytes) {
  // An empty vector's data may be null, which the library would pass to memcpy.
  static constexpr uint8_t kNothing = 0;
  const uint8_t* data = bytes.empty() ? &kNothing : bytes.data();
  builder.ForceVectorAlignment(bytes.size(), sizeof(uint8_t), kBufferAlignment);
  return {builder.CreateVector(data, bytes.size()), checksum(bytes)};
}

flatbuffers::Offset<format::Buffer> write_buffer_table(flatbuffers::FlatBufferBuilder& builder,
                                                       const WrittenBuffer& buffer) {
  if (buffer.data.IsNull()) return 0;
  format::BufferBuilder table(builder);
  table.add_checksum(buffer.checksum);
  builder.AddOffset(format::Buffer::VT_DATA,
                    buffer.data);  // stored relative to the field, unlike a number
  return table.Finish();
}

bool ColumnWriter::write_buffers(flatbuffers::FlatBufferBuilder& builder,
                                 const ColumnBuilder& column, const RowSlice& slice,
                                 bool compress) {
  auto rows = column.rows();
  const auto first = std::lower_bound(rows.begin(), rows.end(), slice.start);
  const auto last = std::lower_bound(first, rows.end(), slice.end);
  if (first == last) return false;
  const auto offset = static_cast<size_t>(first - rows.begin());
  const auto count = static_cast<size_t>(last - first);
  rows = rows.subspan(offset, count);

  column_ = column.column();
  value_count_ = static_cast<uint32_t>(count);
  raw_size_ = count * (column_.type == ColumnType::kBool ? 1 : sizeof(uint64_t));
  if (count != slice.end - slice.start) write_valid(builder, rows, slice);
  switch (column_.type) {
    case ColumnType::kI64:
    case ColumnType::kU64: write_integers(builder, column.bits().subspan(offset, count)); break;
    case ColumnType::kF64: write_floats(builder, column.bits().subspan(offset, count)); break;
    case ColumnType::kBool: write_bools(builder, column.bits().subspan(offset, count)); break;
    case ColumnType::kString:
      write_strings(builder, column.pool(), column.codes().subspan(offset, count), rows, slice,
                    compress);
      break;
  }
  return true;
}

void ColumnWriter::write_valid(flatbuffers::FlatBufferBuilder& builder,
                               std::span<const uint32_t> rows, const RowSlice& slice) {
  const size_t row_count = slice.end - slice.start;
  if (row_count > rows.size() * kBitmapRowsPerValueMax) {
    std::vector<uint64_t> relative(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) relative[i] = rows[i] - slice.start;
    std::vector<uint8_t> stream;
    encode_packed(relative, stream);
    valid_ = write_buffer(builder, stream);
    return;
  }
  std::vector<uint32_t> ranks;
  for (size_t start = 0; start < row_count; start += kVectorRows) {
    const auto at = std::lower_bound(rows.begin(), rows.end(), slice.start + start);
    ranks.push_back(static_cast<uint32_t>(at - rows.begin()));
  }
  valid_ = write_buffer(builder, view_of(bitmap(rows, slice.start, row_count)));
  valid_ranks_ = write_buffer(builder, view_of(ranks));
}

void ColumnWriter::write_integers(flatbuffers::FlatBufferBuilder& builder,
                                  std::span<const uint64_t> bits) {
  has_range_ = true;
  if (column_.type == ColumnType::kI64) {
    integer_range<int64_t>(bits, min_, max_);
  } else {
    integer_range<uint64_t>(bits, min_, max_);
  }
  encoding_ = static_cast<uint16_t>(Encoding::kIntegers);
  std::vector<uint8_t> stream;
  encode_integers(bits, stream);
  values_ = write_buffer(builder, stream);
}

void ColumnWriter::write_floats(flatbuffers::FlatBufferBuilder& builder,
                                std::span<const uint64_t> bits) {
  std::vector<double> values(bits.size());
  double min = INFINITY, max = -INFINITY;
  for (size_t i = 0; i < bits.size(); ++i) {
    values[i] = std::bit_cast<double>(bits[i]);
    if (std::isnan(values[i])) continue;
    has_range_ = true;
    min = std::min(min, values[i]);
    max = std::max(max, values[i]);
  }
  if (has_range_) {
    min_ = std::bit_cast<uint64_t>(min);
    max_ = std::bit_cast<uint64_t>(max);
  }
  auto decimals = encode_decimals(values);
  if (!decimals) {
    encoding_ = static_cast<uint16_t>(Encoding::kDoubles);
    values_ = write_buffer(builder, view_of(values));
    return;
  }
  encoding_ = static_cast<uint16_t>(Encoding::kDecimals);
  exponent_ = decimals->exponent;
  values_ = write_buffer(builder, decimals->integers);
  if (decimals->positions.empty()) return;
  positions_ = write_buffer(builder, view_of(decimals->positions));
  exceptions_ = write_buffer(builder, view_of(decimals->exceptions));
}

void ColumnWriter::write_bools(flatbuffers::FlatBufferBuilder& builder,
                               std::span<const uint64_t> bits) {
  has_range_ = true;
  integer_range<uint64_t>(bits, min_, max_);
  std::vector<uint64_t> words((bits.size() + 63) / 64);
  for (size_t i = 0; i < bits.size(); ++i) words[i / 64] |= (bits[i] & 1) << (i % 64);
  encoding_ = static_cast<uint16_t>(Encoding::kBits);
  values_ = write_buffer(builder, view_of(words));
}

void ColumnWriter::write_strings(flatbuffers::FlatBufferBuilder& builder, const StringPool& pool,
                                 std::span<const uint32_t> codes, std::span<const uint32_t> rows,
                                 const RowSlice& slice, bool compress) {
  // Number the entries of this slice in the order of their appearance.
  std::vector<uint32_t> number_of(pool.size(), UINT32_MAX);
  std::vector<uint32_t> used;
  std::vector<uint64_t> numbers(codes.size());
  raw_size_ = 0;
  for (size_t i = 0; i < codes.size(); ++i) {
    raw_size_ += pool.entry(codes[i]).size();
    uint32_t& number = number_of[codes[i]];
    if (number == UINT32_MAX) {
      number = static_cast<uint32_t>(used.size());
      used.push_back(codes[i]);
    }
    numbers[i] = number;
  }
  if (used.size() * kDictionaryValuesPerEntryMin <= codes.size() || used.size() == 1) {
    if (!pool.is_exact()) make_distinct(pool, used, numbers);
    encoding_ = static_cast<uint16_t>(Encoding::kDictionary);
    write_entries(builder, frequent_first(pool, used, numbers), numbers, rows, slice);
    return;
  }
  if (compress) {
    std::vector<std::string_view> texts(used.size());
    for (size_t i = 0; i < used.size(); ++i) texts[i] = pool.entry(used[i]);
    if (const auto templates = encode_templates(texts, numbers)) {
      write_templates(builder, *templates, rows, slice);
      return;
    }
  }
  std::vector<std::string_view> values(codes.size());
  for (size_t i = 0; i < codes.size(); ++i) values[i] = pool.entry(codes[i]);
  const TextColumn text = encode_text(values, compress);
  encoding_ = static_cast<uint16_t>(Encoding::kBlocks);
  compression_ = static_cast<uint8_t>(text.compression);
  values_ = write_buffer(builder, text.bytes);
  lengths_ = write_buffer(builder, text.lengths);
  blocks_ = write_buffer(builder, view_of(text.blocks));
}

void ColumnWriter::write_templates(flatbuffers::FlatBufferBuilder& builder,
                                   const TemplateColumn& column, std::span<const uint32_t> rows,
                                   const RowSlice& slice) {
  encoding_ = static_cast<uint16_t>(Encoding::kTemplates);
  const std::vector<std::string_view> patterns(column.patterns.begin(), column.patterns.end());
  write_entries(builder, patterns, column.numbers, rows, slice);
  slot_streams_ = write_buffer(builder, column.slot_streams);
  for (const TemplateColumn::Variables& variables : column.variables) {
    const WrittenBuffer values = write_buffer(builder, variables.values);
    variables_.emplace_back(values, write_buffer(builder, variables.starts));
  }
  if (column.whole_starts.empty()) return;
  compression_ = static_cast<uint8_t>(column.whole.compression);
  whole_ = write_buffer(builder, column.whole.bytes);
  lengths_ = write_buffer(builder, column.whole.lengths);
  blocks_ = write_buffer(builder, view_of(column.whole.blocks));
  whole_starts_ = write_buffer(builder, column.whole_starts);
}

void ColumnWriter::write_entries(flatbuffers::FlatBufferBuilder& builder,
                                 std::span<const std::string_view> entries,
                                 std::span<const uint64_t> codes, std::span<const uint32_t> rows,
                                 const RowSlice& slice) {
  std::vector<uint32_t> ends;
  std::vector<uint8_t> bytes;
  for (std::string_view entry : entries) {
    bytes.insert(bytes.end(), entry.begin(), entry.end());
    ends.push_back(static_cast<uint32_t>(bytes.size()));
  }
  std::vector<StoredEntry> statistics(entries.size() + 1);  // the last is for values without entry
  for (size_t i = 0; i < codes.size(); ++i) {
    StoredEntry& entry = statistics[codes[i]];
    const Timestamp time = slice.times[rows[i]];
    if (entry.row_count++ == 0) entry.first_time = time;
    entry.last_time = time;
  }
  statistics.pop_back();
  std::vector<uint8_t> stream;
  encode_integers(codes, stream);
  values_ = write_buffer(builder, stream);
  entry_offsets_ = write_buffer(builder, view_of(ends));
  entry_bytes_ = write_buffer(builder, bytes);
  entry_stats_ = write_buffer(builder, view_of(statistics));
}

flatbuffers::Offset<format::Column> ColumnWriter::write_table(
    flatbuffers::FlatBufferBuilder& builder) const {
  auto name = builder.CreateString(column_.name);
  auto valid = write_buffer_table(builder, valid_);
  auto valid_ranks = write_buffer_table(builder, valid_ranks_);
  auto values = write_buffer_table(builder, values_);
  auto positions = write_buffer_table(builder, positions_);
  auto exceptions = write_buffer_table(builder, exceptions_);
  auto entry_offsets = write_buffer_table(builder, entry_offsets_);
  auto entry_bytes = write_buffer_table(builder, entry_bytes_);
  auto entry_stats = write_buffer_table(builder, entry_stats_);
  auto lengths = write_buffer_table(builder, lengths_);
  auto blocks = write_buffer_table(builder, blocks_);
  auto slot_streams = write_buffer_table(builder, slot_streams_);
  auto whole = write_buffer_table(builder, whole_);
  auto whole_starts = write_buffer_table(builder, whole_starts_);
  std::vector<flatbuffers::Offset<format::Variables>> tables;
  for (const auto& [streams, starts] : variables_) {
    const auto streams_table = write_buffer_table(builder, streams);
    const auto starts_table = write_buffer_table(builder, starts);
    tables.push_back(format::CreateVariables(builder, streams_table, starts_table));
  }
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<format::Variables>>> variables;
  if (!tables.empty()) variables = builder.CreateVector(tables);
  format::ColumnBuilder table(builder);
  table.add_id(column_.id);
  table.add_name(name);
  table.add_type(static_cast<uint8_t>(column_.type));
  table.add_kind(static_cast<uint8_t>(column_.kind));
  table.add_encoding(encoding_);
  table.add_value_count(value_count_);
  table.add_has_range(has_range_);
  table.add_min(min_);
  table.add_max(max_);
  table.add_exponent(exponent_);
  table.add_compression(compression_);
  table.add_valid(valid);
  table.add_valid_ranks(valid_ranks);
  table.add_values(values);
  table.add_positions(positions);
  table.add_exceptions(exceptions);
  table.add_entry_offsets(entry_offsets);
  table.add_entry_bytes(entry_bytes);
  table.add_entry_stats(entry_stats);
  table.add_lengths(lengths);
  table.add_blocks(blocks);
  table.add_raw_size(raw_size_);
  table.add_slot_streams(slot_streams);
  table.add_variables(variables);
  table.add_whole(whole);
  table.add_whole_starts(whole_starts);
  return table.Finish();
}

}  // namespace tocsin
