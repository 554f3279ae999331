// A block of the file holds up to kVectorRows rows of one part, column by column, as vectors show
// them: a header per column, then their sections, each aligned to 8 bytes. Only this process reads
// it.
#include "query/spill.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <numeric>
#include <string>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "db/base/check.h"
#include "query/key_values.h"

namespace tocsin {
namespace {

constexpr size_t kMeasureEvery = 64;         // vectors between two looks at the memory held
constexpr size_t kRowsMin = 16;              // of a block that is written because it is full
constexpr size_t kBufferShare = 8;           // of the memory that the query may take
constexpr size_t kTextBytesMin = 256;        // the same of the texts of one of its columns
constexpr size_t kTextBytesMax = 64 * kKiB;  // of these, but for the last
constexpr size_t kEntriesMin = 256;          // of a column; further dictionaries: as texts
constexpr size_t kEntriesMax = size_t{64} << 10;
constexpr size_t kEntryBytes = 64;  // about
// A thread's parts are in so many files; each goes as soon as its parts have been read.
constexpr uint32_t kFilesPerThread = 4;
constexpr uint32_t kPartsPerFile = Spill::kParts / kFilesPerThread;

/// How the values of a column stand in a block. Only strings have a choice.
enum class Form : uint8_t {
  kNulls,  ///< not at all
  kBytes,
  kWords,
  kIds,    ///< the numbers that strings spell
  kCodes,  ///< into the dictionary of their writer
  kTexts,
};

struct SpillLaneHeader {
  Form form = Form::kNulls;
  uint8_t has_valid = 0;
  // Of kIds, the numbers' spelling; its prefix is what stands as text.
  uint8_t is_hex = 0;
  uint8_t is_upper = 0;
  uint32_t digits = 0;
  uint64_t text_bytes = 0;  // also of kTexts
};

size_t padded(size_t size) { return (size + 7) / 8 * 8; }

/// The values of one column on their way into a block.
struct SpillLane {
  Form form = Form::kNulls;
  IdFormat format;             // kIds
  std::vector<uint8_t> valid;  // 0 is null; empty: no row is null
  std::vector<uint8_t> bytes;
  std::vector<uint64_t> words;  // also of kIds
  std::vector<uint32_t> codes;  // of kTexts: their lengths
  std::string text;

  size_t memory_bytes() const {
    return valid.capacity() + bytes.capacity() + words.capacity() * sizeof(uint64_t) +
           codes.capacity() * sizeof(uint32_t) + text.capacity();
  }
};

/// Up to kVectorRows rows of one part.
struct SpillBlock {
  uint64_t offset = 0;  // in the file of its thread and part
  uint32_t byte_count = 0;
  uint32_t row_count = 0;
  unsigned thread = 0;  // that wrote it
};

tl::unexpected<Error> io_error(const char* attempted, const std::string& folder, int error) {
  const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return fail(is_full ? ErrorCode::kDiskFull : ErrorCode::kIo,
              fmt::format("{} in {}, where a query's many groups go: {}", attempted, folder,
                          std::strerror(error)));
}

// A file that no folder lists, or -1 with errno set.
int open_unlisted(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
  std::string path = folder + "/spill-XXXXXX";  // a file system that cannot do it at once
  const int linked = ::mkostemp(path.data(), O_CLOEXEC);
  if (linked >= 0) ::unlink(path.c_str());
  return linked;
}

// Of the room that is left, what a query may take: the rest is for the rows that arrive.
uint64_t room_in(int file) {
  struct statvfs room {};
  if (::fstatvfs(file, &room) != 0) return UINT64_MAX;
  return uint64_t{room.f_bavail} * room.f_frsize / 2;
}

}  // namespace

SpillPlan::SpillPlan(const StatsPlan& plan, const Program& of) : program({}), stats(plan) {
  std::map<NodeId, uint32_t> known;
  for (uint32_t k = 0; k < plan.keys.size(); ++k) {
    if (plan.keys[k].bucket == 0) known.emplace(plan.keys[k].node, k);
    stats.keys[k] = {k, plan.keys[k].type, 0};
    columns.push_back({"", plan.keys[k].type});
  }
  if (plan.windowed) columns.push_back({"", ValueType::kI64});
  key_count = columns.size();
  const auto place = [&](std::optional<NodeId>& node) {
    if (!node) return;
    const auto [found, added] = known.emplace(*node, static_cast<uint32_t>(columns.size()));
    if (added) {
      columns.push_back({"", of.nodes[*node].type});
      arguments.push_back(*node);
    }
    node = found->second;
  };
  for (StatsPlan::Feed& feed : stats.feeds) {
    place(feed.argument);
    place(feed.where);
    place(feed.time);
  }
  program = Program(columns);
}

struct Spill::Impl {
  class Writer;
  class Source;

  Impl(Execution& of, const SpillPlan& rows, const std::optional<GroupShare>& with_ids)
      : execution(of), plan(rows), ids(with_ids), blocks(kParts) {
    for (auto& unread : parts_unread) unread = kPartsPerFile;
  }
  ~Impl() {
    for (const int file : files) {
      if (file >= 0) ::close(file);
    }
  }

  int& file_of(unsigned thread, uint32_t part) {
    return files[thread * kFilesPerThread + part / kPartsPerFile];
  }
  Status open_file();
  Status append(uint32_t part, SpillBlock block, std::span<const std::byte> bytes);
  Status read(uint32_t part, const SpillBlock& block, std::vector<std::byte>& bytes);
  void finish_reading(uint32_t part);

  Execution& execution;
  const SpillPlan& plan;
  const std::optional<GroupShare> ids;
  std::string folder;      // where the files are
  std::vector<int> files;  // by thread, in whose file no other writes, then part; -1: gone
  std::array<std::atomic<uint32_t>, kFilesPerThread> parts_unread;
  uint64_t bytes_max = 0;
  std::vector<std::unique_ptr<Writer>> writers;  // by thread
  std::mutex mutex;
  std::vector<std::vector<SpillBlock>> blocks;  // by part; guarded by the mutex until finish()
};

Status Spill::Impl::open_file() {
  std::error_code ignored;
  const std::string elsewhere = std::filesystem::temp_directory_path(ignored).string();
  int error = 0;
  for (const std::string& each : {execution.spill_folder, elsewhere}) {
    if (each.empty()) continue;
    if (folder.empty()) folder = each;
    ::mkdir(each.c_str(), 0777);  // it may be there
    const int file = open_unlisted(each);
    if (file >= 0) {
      folder = each;
      if (files.empty()) bytes_max = std::min(execution.options().disk_bytes_max, room_in(file));
      files.push_back(file);
      return {};
    }
    if (error == 0) error = errno;
  }
  return io_error("creating a file", folder, error);
}

Status Spill::Impl::append(uint32_t part, SpillBlock block, std::span<const std::byte> bytes) {
  block.byte_count = static_cast<uint32_t>(bytes.size());
  if ((execution.bytes_spilled += bytes.size()) > bytes_max) {
    return fail(ErrorCode::kLimit,
                fmt::format("the query's groups need more than {} MiB on disk; ask for a shorter "
                            "range, filter more, or group by fewer keys",
                            bytes_max / kMiB));
  }
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t written = ::pwrite(file_of(block.thread, part), bytes.data() + done,
                                     bytes.size() - done, static_cast<off_t>(block.offset + done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return io_error("writing", folder, written < 0 ? errno : ENOSPC);
    done += static_cast<size_t>(written);
  }
  const std::lock_guard lock(mutex);
  blocks[part].push_back(block);
  return {};
}

Status Spill::Impl::read(uint32_t part, const SpillBlock& block, std::vector<std::byte>& bytes) {
  bytes.resize(block.byte_count);
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t got = ::pread(file_of(block.thread, part), bytes.data() + done,
                                bytes.size() - done, static_cast<off_t>(block.offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return io_error("reading", folder, got < 0 ? errno : EIO);
    done += static_cast<size_t>(got);
  }
  return {};
}

void Spill::Impl::finish_reading(uint32_t part) {
  if (--parts_unread[part / kPartsPerFile] != 0) return;
  for (unsigned thread = 0; thread < writers.size(); ++thread) {
    ::close(std::exchange(file_of(thread, part), -1));
  }
}

/// One thread's rows on their way out. Not thread-safe.
class Spill::Impl::Writer {
 public:
  Writer(Impl& spill, unsigned thread, unsigned threads)
      : spill_(spill),
        thread_(thread),
        gauge_(spill.execution),
        parts_(kParts),
        forms_(spill.plan.columns.size()),
        codes_(spill.plan.columns.size()),
        dictionaries_(spill.plan.columns.size()) {
    for (Part& part : parts_) part.lanes.resize(spill.plan.columns.size());
    for (const PlanColumn& column : spill.plan.columns) entries_.emplace_back(column.type);
    const size_t buffer_bytes = spill.execution.options().memory_bytes_max / kBufferShare / threads;
    entries_max_ = std::clamp(buffer_bytes / kEntryBytes, kEntriesMin, kEntriesMax);
    text_bytes_max_ = std::clamp(buffer_bytes / kParts, kTextBytesMin, kTextBytesMax);
    const size_t row_bytes = (sizeof(uint64_t) + 1) * (spill.plan.columns.size() + 1);
    rows_max_ = std::clamp(buffer_bytes / kParts / row_bytes, kRowsMin, kVectorRows);
  }

  Status add(std::span<const Vector* const> columns, std::span<const uint32_t> rows) {
    hash(columns, rows);
    sort_by_part(rows);
    for (size_t c = 0; c < columns.size(); ++c) {
      forms_[c] = form_of(*columns[c], entries_[c]);
      if (forms_[c] != Form::kCodes) continue;
      codes_[c].resize(sorted_.size());
      entries_[c].number(*columns[c], sorted_, codes_[c]);
    }
    for (uint32_t part = 0, start = 0; part < kParts; ++part) {
      const uint32_t end = ends_[part];
      if (start != end) TOCSIN_RETURN_IF_ERROR(append(part, columns, start, end));
      start = end;
    }
    if (++vectors_taken_ % kMeasureEvery != 0) return {};
    return gauge_.set(memory_bytes());
  }

  Status finish() {
    for (uint32_t part = 0; part < kParts; ++part) TOCSIN_RETURN_IF_ERROR(flush(part));
    parts_.clear();
    for (size_t c = 0; c < entries_.size(); ++c) {
      for (size_t i = 0; i < entries_[c].count(); ++i) {
        dictionaries_[c].entries.push_back(entries_[c].text(static_cast<uint32_t>(i + 1)));
      }
      dictionaries_[c].serial = next_dictionary_serial();
    }
    return gauge_.set(memory_bytes());
  }

  /// Requires: finished.
  const Dictionary& dictionary(size_t column) const { return dictionaries_[column]; }

 private:
  struct Part {
    size_t row_count = 0;
    std::vector<SpillLane> lanes;
  };

  Form form_of(const Vector& vector, const KeyValues& entries) const {
    switch (vector.type) {
      case ValueType::kNull: return Form::kNulls;
      case ValueType::kBool: return Form::kBytes;
      case ValueType::kString: break;
      default: return Form::kWords;
    }
    if (vector.id_format) return Form::kIds;
    const bool few = vector.dictionary != nullptr &&
                     entries.count() + vector.dictionary->entries.size() <= entries_max_;
    return few ? Form::kCodes : Form::kTexts;
  }

  void hash(std::span<const Vector* const> columns, std::span<const uint32_t> rows) {
    const auto format_of = [&](size_t key) {
      return spill_.ids && spill_.ids->key == key ? spill_.ids->format : std::nullopt;
    };
    hashes_.resize(rows.size());
    hash_values(*columns[0], rows, format_of(0), hashes_);
    more_hashes_.resize(rows.size());
    for (size_t k = 1; k < spill_.plan.key_count; ++k) {
      hash_values(*columns[k], rows, format_of(k), more_hashes_);
      for (size_t i = 0; i < rows.size(); ++i) {
        hashes_[i] = mix_word(hashes_[i] * 31 + more_hashes_[i]);
      }
    }
  }

  // The rows by their parts, and where each part ends.
  void sort_by_part(std::span<const uint32_t> rows) {
    ends_.fill(0);
    for (const uint64_t hash : hashes_) ++ends_[hash % kParts];
    std::exclusive_scan(ends_.begin(), ends_.end(), ends_.begin(), 0u);
    sorted_.resize(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) sorted_[ends_[hashes_[i] % kParts]++] = rows[i];
  }

  Status append(uint32_t number, std::span<const Vector* const> columns, uint32_t start,
                uint32_t end) {
    Part& part = parts_[number];
    const size_t count = end - start;
    bool fits = part.row_count + count <= rows_max_;
    for (size_t c = 0; c < columns.size(); ++c) {
      const SpillLane& lane = part.lanes[c];
      fits &= lane.form == forms_[c] && lane.text.size() < text_bytes_max_;
      fits &= lane.form != Form::kIds || lane.format == *columns[c]->id_format;
    }
    if (!fits) {
      TOCSIN_RETURN_IF_ERROR(flush(number));
      for (size_t c = 0; c < columns.size(); ++c) {
        part.lanes[c].form = forms_[c];
        if (forms_[c] == Form::kIds) part.lanes[c].format = *columns[c]->id_format;
      }
    }
    for (size_t c = 0; c < columns.size(); ++c) {
      append_to(part.lanes[c], *columns[c], part.row_count, start, end, codes_[c]);
    }
    part.row_count += count;
    return {};
  }

  // sorted_[start, end) of `vector`, behind `before` rows of the lane.
  void append_to(SpillLane& lane, const Vector& vector, size_t before, uint32_t start, uint32_t end,
                 std::span<const uint32_t> codes) {
    const std::span<const uint32_t> rows = std::span(sorted_).subspan(start, end - start);
    const auto append = [&](auto& to, auto value) {
      to.resize(before + rows.size());
      for (size_t i = 0; i < rows.size(); ++i) to[before + i] = value(i);
    };
    if (!vector.valid.empty() || !lane.valid.empty()) {
      lane.valid.resize(before, 1);
      append(lane.valid, [&](size_t i) { return static_cast<uint8_t>(!vector.is_null(rows[i])); });
    }
    switch (lane.form) {
      case Form::kNulls: break;
      case Form::kBytes:
        append(lane.bytes, [&](size_t i) { return vector.boolean[rows[i]]; });
        break;
      case Form::kWords:
        if (vector.type == ValueType::kF64) {
          append(lane.words,
                 [&](size_t i) { return std::bit_cast<uint64_t>(vector.f64[rows[i]]); });
        } else if (vector.type == ValueType::kU64) {
          append(lane.words, [&](size_t i) { return vector.u64[rows[i]]; });
        } else {
          append(lane.words, [&](size_t i) { return static_cast<uint64_t>(vector.i64[rows[i]]); });
        }
        break;
      case Form::kIds:
        append(lane.words,
               [&](size_t i) { return vector.is_null(rows[i]) ? 0 : vector.id_at(rows[i]); });
        break;
      case Form::kCodes:  // null, which is 0, becomes the greatest code
        append(lane.codes, [&](size_t i) { return codes[start + i] - 1; });
        break;
      case Form::kTexts:
        append(lane.codes, [&](size_t i) {
          const std::string_view text = vector.is_null(rows[i]) ? "" : vector.text_at(rows[i]);
          lane.text += text;
          return static_cast<uint32_t>(text.size());
        });
        break;
    }
  }

  Status flush(uint32_t number) {
    Part& part = parts_[number];
    if (part.row_count == 0) return {};
    block_.clear();
    const auto put = [&](const void* data, size_t size) {
      const auto* bytes = static_cast<const std::byte*>(data);
      block_.insert(block_.end(), bytes, bytes + size);
      block_.resize(padded(block_.size()));
    };
    for (SpillLane& lane : part.lanes) {
      const std::string& text = lane.form == Form::kIds ? lane.format.prefix : lane.text;
      const SpillLaneHeader header{lane.form,          !lane.valid.empty(),
                                   lane.format.is_hex, lane.format.is_upper,
                                   lane.format.digits, text.size()};
      put(&header, sizeof header);
      put(lane.valid.data(), lane.valid.size());
      put(lane.words.data(), lane.words.size() * sizeof(uint64_t));
      put(lane.codes.data(), lane.codes.size() * sizeof(uint32_t));
      put(lane.bytes.data(), lane.bytes.size());
      put(text.data(), text.size());
      lane.valid.clear();
      lane.words.clear();
      lane.codes.clear();
      lane.bytes.clear();
      lane.text.clear();
    }
    const auto row_count = static_cast<uint32_t>(std::exchange(part.row_count, 0));
    uint64_t& file_size = file_sizes_[number / kPartsPerFile];
    const uint64_t offset = std::exchange(file_size, file_size + block_.size());
    return spill_.append(number, {offset, 0, row_count, thread_}, block_);
  }

  size_t memory_bytes() const {
    size_t bytes = block_.capacity();
    for (const Part& part : parts_) {
      for (const SpillLane& lane : part.lanes) bytes += lane.memory_bytes();
    }
    for (const KeyValues& entries : entries_) bytes += entries.memory_bytes();
    return bytes;
  }

  Impl& spill_;
  const unsigned thread_;
  MemoryGauge gauge_;
  size_t rows_max_ = 0;  // of a block, but for a vector that brings more at once
  size_t text_bytes_max_ = 0;
  size_t entries_max_ = 0;
  std::vector<Part> parts_;
  std::vector<Form> forms_;                   // by column, of the vectors at hand
  std::vector<KeyValues> entries_;            // by column: of strings with a dictionary
  std::vector<std::vector<uint32_t>> codes_;  // by column: of sorted_, in entries_
  std::vector<Dictionary> dictionaries_;      // by column: entries_, once finished
  std::vector<uint64_t> hashes_, more_hashes_;
  std::vector<uint32_t> sorted_;
  std::array<uint32_t, kParts> ends_{};
  std::vector<std::byte> block_;
  std::array<uint64_t, kFilesPerThread> file_sizes_{};
  size_t vectors_taken_ = 0;
};

/// The rows of one block at a time. Not thread-safe.
class Spill::Impl::Source final : public ColumnSource {
 public:
  explicit Source(Impl& spill) : spill_(spill), lanes_(spill.plan.columns.size()) {}

  Status open(uint32_t part, const SpillBlock& block) {
    TOCSIN_RETURN_IF_ERROR(spill_.read(part, block, bytes_));
    writer_ = spill_.writers[block.thread].get();
    row_count_ = block.row_count;
    const std::byte* at = bytes_.data();
    const auto section = [&](size_t size) { return std::exchange(at, at + padded(size)); };
    for (View& lane : lanes_) {
      std::memcpy(&lane.header, section(sizeof lane.header), sizeof lane.header);
      lane.valid = section(lane.header.has_valid != 0 ? row_count_ : 0);
      switch (lane.header.form) {
        case Form::kNulls: break;
        case Form::kBytes: lane.values = section(row_count_); break;
        case Form::kWords:
        case Form::kIds: lane.values = section(row_count_ * sizeof(uint64_t)); break;
        case Form::kCodes:
        case Form::kTexts: lane.values = section(row_count_ * sizeof(uint32_t)); break;
      }
      lane.text = reinterpret_cast<const char*>(section(lane.header.text_bytes));
      if (lane.header.form != Form::kIds) continue;
      lane.format = {std::string(lane.text, lane.header.text_bytes), lane.header.is_hex != 0,
                     lane.header.is_upper != 0, static_cast<uint8_t>(lane.header.digits)};
    }
    TOCSIN_CHECK(at == bytes_.data() + bytes_.size());
    return {};
  }

  Status read(uint32_t column, size_t start, size_t count, std::span<const uint32_t>,
              Vector& out) override {
    TOCSIN_CHECK(start == 0 && count == row_count_);
    const View& lane = lanes_[column];
    const ValueType type = spill_.plan.columns[column].type;
    if (lane.header.form == Form::kNulls) {
      out.reset_null(type, count);
      return {};
    }
    out.reset(type, count);
    show_valid(lane, out);
    switch (lane.header.form) {
      case Form::kNulls: break;
      case Form::kBytes: out.boolean = lane.as<uint8_t>(count); break;
      case Form::kWords:
        if (type == ValueType::kF64) {
          out.f64 = lane.as<double>(count);
        } else if (type == ValueType::kU64) {
          out.u64 = lane.as<uint64_t>(count);
        } else {
          out.i64 = lane.as<int64_t>(count);
        }
        break;
      case Form::kIds: {
        const auto text = out.make_text();
        const auto numbers = lane.as<uint64_t>(count);
        for (size_t i = 0; i < count; ++i) {
          text[i] = out.is_null(i) ? std::string_view() : out.keep(lane.format.text(numbers[i]));
        }
        break;
      }
      case Form::kCodes: {
        out.dictionary = &writer_->dictionary(column);
        const auto null_code = static_cast<uint32_t>(out.dictionary->entries.size());
        const auto codes = lane.as<uint32_t>(count);
        const auto shown = out.make_codes();
        for (size_t i = 0; i < count; ++i) shown[i] = std::min(codes[i], null_code);
        break;
      }
      case Form::kTexts: {
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

  Result<bool> read_ids(uint32_t column, size_t start, size_t count, Vector& out) override {
    TOCSIN_CHECK(start == 0 && count == row_count_);
    const View& lane = lanes_[column];
    if (lane.header.form != Form::kIds) return false;
    out.reset(ValueType::kString, count);
    show_valid(lane, out);
    out.id_format = &lane.format;
    out.ids = lane.as<uint64_t>(count);
    return true;
  }

  Result<const Dictionary*> dictionary(uint32_t column) override {
    return lanes_[column].header.form == Form::kCodes ? &writer_->dictionary(column) : nullptr;
  }
  size_t row_count() const override { return row_count_; }

 private:
  struct View {
    SpillLaneHeader header;
    const std::byte* valid = nullptr;
    const std::byte* values = nullptr;  // of kTexts: their lengths
    const char* text = nullptr;
    IdFormat format;  // kIds

    template <class T>
    std::span<const T> as(size_t count) const {
      return {reinterpret_cast<const T*>(values), count};
    }
  };

  void show_valid(const View& lane, Vector& out) const {
    if (lane.header.has_valid == 0) return;
    out.valid = {reinterpret_cast<const uint8_t*>(lane.valid), row_count_};
  }

  Impl& spill_;
  const Writer* writer_ = nullptr;
  size_t row_count_ = 0;
  std::vector<std::byte> bytes_;
  std::vector<View> lanes_;
};

Spill::Spill(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Spill::~Spill() = default;

Result<std::unique_ptr<Spill>> Spill::create(Execution& execution, const SpillPlan& plan,
                                             const std::optional<GroupShare>& ids,
                                             unsigned thread_count) {
  auto impl = std::make_unique<Impl>(execution, plan, ids);
  for (unsigned thread = 0; thread < thread_count; ++thread) {
    for (uint32_t i = 0; i < kFilesPerThread; ++i) TOCSIN_RETURN_IF_ERROR(impl->open_file());
    impl->writers.push_back(std::make_unique<Impl::Writer>(*impl, thread, thread_count));
  }
  return std::unique_ptr<Spill>(new Spill(std::move(impl)));
}

const SpillPlan& Spill::plan() const { return impl_->plan; }

Status Spill::add(unsigned thread, std::span<const Vector* const> columns,
                  std::span<const uint32_t> rows) {
  return impl_->writers[thread]->add(columns, rows);
}

Status Spill::finish() {
  for (const auto& writer : impl_->writers) TOCSIN_RETURN_IF_ERROR(writer->finish());
  return {};
}

uint64_t Spill::row_count(uint32_t part) const {
  uint64_t count = 0;
  for (const SpillBlock& block : impl_->blocks[part]) count += block.row_count;
  return count;
}

Status Spill::read(uint32_t part, Evaluator& evaluator, const std::function<Status()>& take) {
  Impl::Source source(*impl_);
  for (const SpillBlock& block : impl_->blocks[part]) {
    TOCSIN_RETURN_IF_ERROR(impl_->execution.check());
    TOCSIN_RETURN_IF_ERROR(source.open(part, block));
    evaluator.bind(source);
    evaluator.begin(0, block.row_count);
    TOCSIN_RETURN_IF_ERROR(take());
  }
  impl_->finish_reading(part);
  return {};
}

}  // namespace tocsin
