#include "db/catalog/store.h"

#include <array>

#include <fmt/format.h>

#include "db/base/binary_text.h"
#include "db/limits.h"

namespace tocsin {
namespace {

constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kStateKey = "state";
constexpr std::string_view kClockKey = "clock";
constexpr std::string_view kRetentionKey = "retention";
constexpr size_t kSegmentKeyBytes = 20;
constexpr uint64_t kSignBit = uint64_t{1} << 63;

void put_big_endian(std::string& out, uint64_t value, size_t bytes) {
  for (size_t i = bytes; i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t get_big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

std::string segment_key(MeasurementId measurement, int64_t partition, uint64_t id) {
  std::string key;
  put_big_endian(key, measurement, 4);
  put_big_endian(key, static_cast<uint64_t>(partition) ^ kSignBit, 8);
  put_big_endian(key, id, 8);
  return key;
}

std::string measurement_key(MeasurementId id) {
  std::string key;
  put_big_endian(key, id, 4);
  return key;
}

std::string file_key(const FileId& file) {
  return segment_key(file.measurement, file.partition, file.number);
}

/// The stored form of a value: checksum, payload.
std::string sealed_value(std::string_view key, std::string_view payload) {
  ByteWriter value;
  value.u64(checksum(bytes_of(payload), checksum(bytes_of(key))));
  value.raw(bytes_of(payload));
  return value.take();
}

tl::unexpected<Error> damaged(std::string_view table, std::string_view key) {
  return fail(ErrorCode::kCorrupt,
              fmt::format("the catalog's value {} in `{}` is damaged; see `tocsin repair`",
                          hex_text(key.substr(0, 24)), table));
}

/// The payload of a stored value; kCorrupt if it does not match its checksum.
Result<ByteView> payload_of(std::string_view table, std::string_view key, ByteView value) {
  ByteReader reader(value);
  const uint64_t expected = reader.u64();
  const ByteView payload = reader.rest();
  if (!reader.ok() || checksum(payload, checksum(bytes_of(key))) != expected) {
    return damaged(table, key);
  }
  return payload;
}

/// The checked payload of a key; nothing if there is none.
Result<std::optional<ByteView>> get_payload(const Transaction& transaction, CatalogTable table,
                                            std::string_view table_name, std::string_view key) {
  TOCSIN_TRY(auto value, transaction.get(table, key));
  if (!value) return std::nullopt;
  TOCSIN_TRY(ByteView payload, payload_of(table_name, key, *value));
  return payload;
}

Status put_payload(Transaction& transaction, CatalogTable table, std::string_view key,
                   std::string_view payload) {
  return transaction.put(table, key, bytes_of(sealed_value(key, payload)));
}

/// Walks a table with checked payloads, stopping at the first error.
template <class Use>
Status walk_payloads(const Transaction& transaction, CatalogTable table,
                     std::string_view table_name, std::string_view from, Use use) {
  Status status;
  TOCSIN_RETURN_IF_ERROR(transaction.walk(table, from, [&](std::string_view key, ByteView value) {
    auto payload = payload_of(table_name, key, value);
    if (!payload) {
      status = tl::unexpected<Error>(payload.error());
      return false;
    }
    return use(key, *payload, status);
  }));
  return status;
}

CatalogTable table_of(SmallTable table) {
  switch (table) {
    case SmallTable::kSources: return CatalogTable::kSources;
    case SmallTable::kRules: return CatalogTable::kRules;
    case SmallTable::kOutbox: return CatalogTable::kOutbox;
  }
  return CatalogTable::kSources;
}

const char* name_of(SmallTable table) {
  switch (table) {
    case SmallTable::kSources: return "sources";
    case SmallTable::kRules: return "rules";
    case SmallTable::kOutbox: return "outbox";
  }
  return "unknown";
}

std::string measurement_payload(const Measurement& measurement) {
  ByteWriter writer;
  writer.text(measurement.name);
  writer.u32(static_cast<uint32_t>(measurement.columns.size()));
  for (const Column& column : measurement.columns) {
    writer.u32(column.id);
    writer.text(column.name);
    writer.u8(static_cast<uint8_t>(column.type));
    writer.u8(static_cast<uint8_t>(column.kind));
    writer.u8(column.beyond_double ? 1 : 0);
  }
  return writer.take();
}

bool parse_measurement(std::string_view key, ByteView payload, Measurement& out) {
  ByteReader reader(payload);
  out.id = static_cast<MeasurementId>(get_big_endian(key));
  out.name = reader.text();
  const uint32_t count = reader.u32();
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    Column& column = out.columns.emplace_back();
    column.id = reader.u32();
    column.name = reader.text();
    const uint8_t type = reader.u8();
    const uint8_t kind = reader.u8();
    if (type < 1 || type > 5 || kind < 1 || kind > 3) return false;
    column.type = static_cast<ColumnType>(type);
    column.kind = static_cast<ColumnKind>(kind);
    column.beyond_double = reader.u8() != 0;
  }
  return reader.at_end() && key.size() == 4;
}

void write_common(ByteWriter& writer, const SegmentRecord& record) {
  writer.u32(record.info.row_count);
  writer.u32(record.metadata_size);
  writer.i64(record.info.min_time);
  writer.i64(record.info.max_time);
  writer.u64(record.info.commit_number);
  writer.i64(record.created_at);
  writer.u64(record.raw_size);
}

void read_common(ByteReader& reader, SegmentRecord& record) {
  record.info.row_count = reader.u32();
  record.metadata_size = reader.u32();
  record.info.min_time = reader.i64();
  record.info.max_time = reader.i64();
  record.info.commit_number = reader.u64();
  record.created_at = reader.i64();
  record.raw_size = reader.u64();
}

// A hot value consists of the head's checksum, the head, and the body. The head ends with the
// body's checksum.
constexpr size_t kHotHeadBytes = 4 + 4 + 8 + 8 + 8 + 8 + 8 + 8;

bool parse_key(std::string_view key, SegmentInfo& info) {
  if (key.size() != kSegmentKeyBytes) return false;
  info.measurement = static_cast<MeasurementId>(get_big_endian(key.substr(0, 4)));
  info.partition = static_cast<int64_t>(get_big_endian(key.substr(4, 8)) ^ kSignBit);
  info.id = get_big_endian(key.substr(12));
  return true;
}

Status parse_hot(std::string_view key, ByteView value, SegmentRecord& record, ByteView& body) {
  ByteReader reader(value);
  const uint64_t expected = reader.u64();
  const ByteView head = reader.raw(kHotHeadBytes);
  if (!reader.ok() || !parse_key(key, record.info) ||
      checksum(head, checksum(bytes_of(key))) != expected) {
    return damaged("hot", key);
  }
  ByteReader fields(head);
  read_common(fields, record);
  record.metadata_checksum = fields.u64();
  body = reader.rest();
  record.info.byte_size = body.size();
  record.info.name = fmt::format("hot {}", record.info.id);
  return {};
}

Status parse_sealed(std::string_view key, ByteView value, SegmentRecord& record) {
  TOCSIN_TRY(ByteView payload, payload_of("sealed", key, value));
  ByteReader reader(payload);
  read_common(reader, record);
  record.metadata_checksum = reader.u64();
  record.file_number = reader.u64();
  record.file_offset = reader.u64();
  record.info.byte_size = reader.u64();
  if (!reader.at_end() || !parse_key(key, record.info)) return damaged("sealed", key);
  record.info.sealed = true;
  record.info.name = fmt::format("{}@{}", file_path(record.file()), record.file_offset);
  return {};
}

}  // namespace

Status write_format(Transaction& transaction, uint32_t format) {
  ByteWriter writer;
  writer.u32(format);
  return put_payload(transaction, CatalogTable::kMeta, kFormatKey, writer.bytes());
}

namespace {

Status check_version(ByteView payload) {
  const uint32_t found = ByteReader(payload).u32();
  if (found <= kDatabaseFormat) return {};
  return fail(ErrorCode::kUnsupported,
              fmt::format("the database has format {}, this version of tocsin reads up to format "
                          "{}; use the version that wrote it, or a later one",
                          found, kDatabaseFormat));
}

bool parse_state(ByteView payload, CatalogState& state) {
  ByteReader reader(payload);
  state.commit_number = reader.u64();
  state.schema_version = reader.u64();
  state.next_segment_id = reader.u64();
  state.next_file_number = reader.u64();
  state.next_measurement_id = reader.u32();
  state.digest = reader.u64();
  return reader.at_end();
}

}  // namespace

Status check_format(const Transaction& transaction) {
  TOCSIN_TRY(auto payload, get_payload(transaction, CatalogTable::kMeta, "meta", kFormatKey));
  if (!payload) return fail(ErrorCode::kNotFound, "the catalog is empty: no database yet");
  return check_version(*payload);
}

Result<uint32_t> upgrade_format(Transaction& transaction) {
  TOCSIN_TRY(auto payload, get_payload(transaction, CatalogTable::kMeta, "meta", kFormatKey));
  const uint32_t found = payload ? ByteReader(*payload).u32() : 0;
  if (found >= kDatabaseFormat) return 0U;
  TOCSIN_RETURN_IF_ERROR(write_format(transaction, kDatabaseFormat));
  return found;
}

Result<CatalogState> read_state(const Transaction& transaction) {
  CatalogState state;
  TOCSIN_TRY(auto payload, get_payload(transaction, CatalogTable::kMeta, "meta", kStateKey));
  if (payload && !parse_state(*payload, state)) return damaged("meta", kStateKey);
  return state;
}

Status read_meta_entry(std::string_view key, ByteView value, CatalogState& state) {
  TOCSIN_TRY(ByteView payload, payload_of("meta", key, value));
  if (key == kFormatKey) return check_version(payload);
  if (key == kStateKey && !parse_state(payload, state)) return damaged("meta", key);
  return {};
}

Status write_state(Transaction& transaction, CatalogState& state) {
  state.digest ^= transaction.digest_change();
  ByteWriter writer;
  writer.u64(state.commit_number);
  writer.u64(state.schema_version);
  writer.u64(state.next_segment_id);
  writer.u64(state.next_file_number);
  writer.u32(state.next_measurement_id);
  writer.u64(state.digest);
  return put_payload(transaction, CatalogTable::kMeta, kStateKey, writer.bytes());
}

Result<std::optional<ClockRecord>> read_clock(const Transaction& transaction,
                                              uint64_t commit_number) {
  TOCSIN_TRY(auto payload, get_payload(transaction, CatalogTable::kMeta, "meta", kClockKey));
  if (!payload) return std::nullopt;
  ByteReader reader(*payload);
  ClockRecord record;
  record.commit_number = reader.u64();
  record.believed = reader.i64();
  record.offset = reader.i64();
  record.remaining = reader.i64();
  if (!reader.at_end()) return damaged("meta", kClockKey);
  if (record.commit_number != commit_number) return std::nullopt;
  return record;
}

Status write_clock(Transaction& transaction, const ClockRecord& record) {
  ByteWriter writer;
  writer.u64(record.commit_number);
  writer.i64(record.believed);
  writer.i64(record.offset);
  writer.i64(record.remaining);
  return put_payload(transaction, CatalogTable::kMeta, kClockKey, writer.bytes());
}

Result<std::vector<RetentionWait>> read_retention_waits(const Transaction& transaction) {
  std::vector<RetentionWait> waits;
  TOCSIN_TRY(auto payload, get_payload(transaction, CatalogTable::kMeta, "meta", kRetentionKey));
  if (!payload) return waits;
  ByteReader reader(*payload);
  while (reader.ok() && !reader.at_end()) {
    RetentionWait& wait = waits.emplace_back();
    wait.measurement = reader.u32();
    wait.retention = reader.i64();
    wait.remaining = reader.i64();
  }
  if (!reader.ok()) return damaged("meta", kRetentionKey);
  return waits;
}

Status write_retention_waits(Transaction& transaction, const std::vector<RetentionWait>& waits) {
  ByteWriter writer;
  for (const RetentionWait& wait : waits) {
    writer.u32(wait.measurement);
    writer.i64(wait.retention);
    writer.i64(wait.remaining);
  }
  return put_payload(transaction, CatalogTable::kMeta, kRetentionKey, writer.bytes());
}

Result<Measurement> read_measurement_entry(std::string_view key, ByteView value) {
  TOCSIN_TRY(ByteView payload, payload_of("measurements", key, value));
  Measurement measurement;
  if (!parse_measurement(key, payload, measurement)) return damaged("measurements", key);
  return measurement;
}

Result<std::shared_ptr<const Catalog>> read_catalog(const Transaction& transaction) {
  auto catalog = std::make_shared<Catalog>();
  Status status;
  TOCSIN_RETURN_IF_ERROR(
      transaction.walk(CatalogTable::kMeasurements, {}, [&](std::string_view key, ByteView value) {
        auto measurement = read_measurement_entry(key, value);
        if (!measurement) {
          status = tl::unexpected<Error>(measurement.error());
          return false;
        }
        std::string name = measurement->name;
        catalog->measurements.emplace(std::move(name), *std::move(measurement));
        return true;
      }));
  if (!status) return tl::unexpected<Error>(status.error());
  return catalog;
}

Status write_measurement(Transaction& transaction, const Measurement& measurement) {
  return put_payload(transaction, CatalogTable::kMeasurements, measurement_key(measurement.id),
                     measurement_payload(measurement));
}

Status visit_segment_entry(CatalogTable table, std::string_view key, ByteView value,
                           const VisitSegment& visit) {
  SegmentRecord record;
  ByteView body;
  if (table == CatalogTable::kHot) {
    TOCSIN_RETURN_IF_ERROR(parse_hot(key, value, record, body));
  } else {
    TOCSIN_RETURN_IF_ERROR(parse_sealed(key, value, record));
  }
  return visit(record, body);
}

Status walk_segments(const Transaction& transaction, CatalogTable table, PartitionRange range,
                     const VisitSegment& visit) {
  const std::string first = segment_key(range.measurement, range.first, 0);
  const std::string last = segment_key(range.measurement, range.last, UINT64_MAX);
  Status status;
  TOCSIN_RETURN_IF_ERROR(transaction.walk(table, first, [&](std::string_view key, ByteView value) {
    if (key > last) return false;
    status = visit_segment_entry(table, key, value, visit);
    return status.has_value();
  }));
  return status;
}

Status walk_all_segments(const Transaction& transaction, CatalogTable table,
                         const VisitSegment& visit) {
  Status status;
  TOCSIN_RETURN_IF_ERROR(transaction.walk(table, {}, [&](std::string_view key, ByteView value) {
    status = visit_segment_entry(table, key, value, visit);
    return status.has_value();
  }));
  return status;
}

Result<AlignedBytes> copy_hot_body(const SegmentRecord& record, ByteView body) {
  AlignedBytes copy(body);
  if (checksum(copy.view()) != record.metadata_checksum) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("segment {} is damaged: its bytes do not match their checksum; see "
                            "`tocsin repair`",
                            record.info.name));
  }
  return copy;
}

Status write_hot(Transaction& transaction, const SegmentRecord& record, ByteView body) {
  const std::string key =
      segment_key(record.info.measurement, record.info.partition, record.info.id);
  ByteWriter head;
  write_common(head, record);
  head.u64(checksum(body));
  ByteWriter value;
  value.u64(checksum(bytes_of(head.bytes()), checksum(bytes_of(key))));
  value.raw(bytes_of(head.bytes()));
  value.raw(body);
  return transaction.put(CatalogTable::kHot, key, bytes_of(value.bytes()));
}

Status write_sealed(Transaction& transaction, const SegmentRecord& record) {
  ByteWriter writer;
  write_common(writer, record);
  writer.u64(record.metadata_checksum);
  writer.u64(record.file_number);
  writer.u64(record.file_offset);
  writer.u64(record.info.byte_size);
  return put_payload(transaction, CatalogTable::kSealed,
                     segment_key(record.info.measurement, record.info.partition, record.info.id),
                     writer.bytes());
}

Result<bool> remove_segment(Transaction& transaction, const SegmentInfo& info) {
  return transaction.remove(info.sealed ? CatalogTable::kSealed : CatalogTable::kHot,
                            segment_key(info.measurement, info.partition, info.id));
}

Status write_dropped(Transaction& transaction, const DroppedFile& dropped) {
  ByteWriter writer;
  writer.u64(dropped.transaction);
  writer.i64(dropped.dropped_at);
  return put_payload(transaction, CatalogTable::kDropped, file_key(dropped.file), writer.bytes());
}

Result<std::vector<DroppedFile>> read_dropped(const Transaction& transaction) {
  std::vector<DroppedFile> files;
  TOCSIN_RETURN_IF_ERROR(walk_payloads(transaction, CatalogTable::kDropped, "dropped", {},
                                       [&](std::string_view key, ByteView payload, Status& status) {
                                         SegmentInfo info;
                                         if (!parse_key(key, info)) {
                                           status = damaged("dropped", key);
                                           return false;
                                         }
                                         ByteReader reader(payload);
                                         DroppedFile& file = files.emplace_back();
                                         file.file = {info.measurement, info.partition, info.id};
                                         file.transaction = reader.u64();
                                         file.dropped_at = reader.i64();
                                         return true;
                                       }));
  return files;
}

Status remove_dropped(Transaction& transaction, const FileId& file) {
  TOCSIN_RETURN_IF_ERROR(transaction.remove(CatalogTable::kDropped, file_key(file)));
  return {};
}

Status apply_change(Transaction& transaction, const SmallChange& change) {
  if (change.value) {
    return put_payload(transaction, table_of(change.table), change.key, *change.value);
  }
  TOCSIN_RETURN_IF_ERROR(transaction.remove(table_of(change.table), change.key));
  return {};
}

Result<SmallChange> read_small_entry(CatalogTable table, std::string_view key, ByteView value) {
  for (SmallTable small : {SmallTable::kSources, SmallTable::kRules, SmallTable::kOutbox}) {
    if (table_of(small) != table) continue;
    TOCSIN_TRY(ByteView payload, payload_of(name_of(small), key, value));
    return SmallChange{small, std::string(key), std::string(text_of(payload))};
  }
  return fail(ErrorCode::kInvalid, "not a small table");
}

Status check_entry(CatalogTable table, std::string_view key, ByteView value) {
  CatalogState ignored;
  switch (table) {
    case CatalogTable::kMeta: return read_meta_entry(key, value, ignored);
    case CatalogTable::kMeasurements:
      return read_measurement_entry(key, value).map([](const Measurement&) {});
    case CatalogTable::kHot:
    case CatalogTable::kSealed:
      return visit_segment_entry(
          table, key, value, [&](const SegmentRecord& record, ByteView body) -> Status {
            if (table == CatalogTable::kSealed) return {};
            return copy_hot_body(record, body).map([](const AlignedBytes&) {});
          });
    case CatalogTable::kDropped: return payload_of("dropped", key, value).map([](ByteView) {});
    case CatalogTable::kSources:
    case CatalogTable::kRules:
    case CatalogTable::kOutbox:
      return read_small_entry(table, key, value).map([](const SmallChange&) {});
  }
  return {};
}

Result<std::optional<std::string>> read_small(const Transaction& transaction, SmallTable table,
                                              std::string_view key) {
  TOCSIN_TRY(auto payload, get_payload(transaction, table_of(table), name_of(table), key));
  if (!payload) return std::nullopt;
  return std::string(text_of(*payload));
}

Result<std::vector<SmallEntry>> list_small(const Transaction& transaction, SmallTable table,
                                           std::string_view prefix, SmallRange range) {
  std::vector<SmallEntry> entries;
  TOCSIN_RETURN_IF_ERROR(
      walk_payloads(transaction, table_of(table), name_of(table), std::max(prefix, range.from),
                    [&](std::string_view key, ByteView payload, Status&) {
                      if (!key.starts_with(prefix) || entries.size() >= range.count_max)
                        return false;
                      entries.push_back({std::string(key), std::string(text_of(payload))});
                      return true;
                    }));
  return entries;
}

}  // namespace tocsin
