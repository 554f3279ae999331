#include "query/stats/spill.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <utility>

#include "query/aggregate/key_values.h"
#include "query/stats/spill_block.h"
#include "query/stats/spill_files.h"

namespace tocsin {
namespace {

/// The held memory is measured after this many vectors.
constexpr size_t kMeasureBuffersEvery = 64;
/// The buffers of all threads have 1 / kBufferShare of the query's memory.
constexpr size_t kBufferShare = 8;
/// A block is written once it has this many rows, or more if there is memory for them.
constexpr size_t kRowsMin = 16;
/// A block is written once the texts of a column have this many bytes, depending on memory.
constexpr size_t kTextBytesMin = 256;
constexpr size_t kTextBytesMax = 64 * kKiB;
/// The number of dictionary entries kept for a column, depending on memory. Strings of further
/// dictionaries are written as texts.
constexpr size_t kEntriesMin = 256;
constexpr size_t kEntriesMax = size_t{64} << 10;
constexpr size_t kEntryBytes = 64;  // a rough estimate

}  // namespace

/// Buffers one thread's rows and writes them in blocks. Not thread-safe.
class Spill::Writer {
 public:
  Writer(Execution& execution, const SpillPlan& plan, const std::optional<GroupShare>& ids,
         SpillFiles& files, unsigned thread, unsigned thread_count)
      : plan_(plan),
        ids_(ids),
        files_(files),
        thread_(thread),
        gauge_(execution),
        parts_(kParts),
        forms_(plan.columns.size()),
        codes_(plan.columns.size()),
        dictionaries_(plan.columns.size()) {
    for (Part& part : parts_) part.lanes.resize(plan.columns.size());
    for (const PlanColumn& column : plan.columns) entries_.emplace_back(column.type);
    const size_t buffer_bytes = execution.options().memory_bytes_max / kBufferShare / thread_count;
    entries_max_ = std::clamp(buffer_bytes / kEntryBytes, kEntriesMin, kEntriesMax);
    text_bytes_max_ = std::clamp(buffer_bytes / kParts, kTextBytesMin, kTextBytesMax);
    const size_t row_bytes = (sizeof(uint64_t) + 1) * (plan.columns.size() + 1);
    rows_max_ = std::clamp(buffer_bytes / kParts / row_bytes, kRowsMin, kVectorRows);
  }

  Status add(std::span<const Vector* const> columns, std::span<const uint32_t> rows) {
    hash(columns, rows);
    sort_by_part(rows);
    for (size_t c = 0; c < columns.size(); ++c) {
      forms_[c] = form_of(*columns[c], entries_[c]);
      codes_[c].resize(sorted_.size());
      if (forms_[c] == SpillForm::kCodes) entries_[c].number(*columns[c], sorted_, codes_[c]);
    }
    for (uint32_t part = 0, start = 0; part < kParts; ++part) {
      const uint32_t end = ends_[part];
      if (start != end) TOCSIN_RETURN_IF_ERROR(append(part, columns, start, end));
      start = end;
    }
    if (++vectors_added_ % kMeasureBuffersEvery != 0) return {};
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

  /// By column: the dictionary of values written as codes. Requires: finish() was called.
  std::span<const Dictionary> dictionaries() const { return dictionaries_; }

 private:
  static constexpr uint32_t kParts = SpillFiles::kParts;

  struct Part {
    size_t row_count = 0;
    std::vector<SpillLane> lanes;
  };

  SpillForm form_of(const Vector& vector, const KeyValues& entries) const {
    switch (vector.type) {
      case ValueType::kNull: return SpillForm::kNulls;
      case ValueType::kBool: return SpillForm::kBytes;
      case ValueType::kString: break;
      default: return SpillForm::kWords;
    }
    if (vector.id_format) return SpillForm::kIds;
    const bool few = vector.dictionary != nullptr &&
                     entries.count() + vector.dictionary->entries.size() <= entries_max_;
    return few ? SpillForm::kCodes : SpillForm::kTexts;
  }

  void hash(std::span<const Vector* const> columns, std::span<const uint32_t> rows) {
    const auto format_of = [&](size_t key) {
      return ids_ && ids_->key == key ? ids_->format : std::nullopt;
    };
    hashes_.resize(rows.size());
    hash_values(*columns[0], rows, format_of(0), hashes_);
    more_hashes_.resize(rows.size());
    for (size_t k = 1; k < plan_.key_count; ++k) {
      hash_values(*columns[k], rows, format_of(k), more_hashes_);
      for (size_t i = 0; i < rows.size(); ++i) {
        hashes_[i] = mix_word(hashes_[i] * 31 + more_hashes_[i]);
      }
    }
  }

  // Sorts the rows by part; part p ends at ends_[p].
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
      fits &= lane.accepts(forms_[c], *columns[c]) && lane.text_bytes() < text_bytes_max_;
    }
    if (!fits) {
      TOCSIN_RETURN_IF_ERROR(flush(number));
      for (size_t c = 0; c < columns.size(); ++c) part.lanes[c].begin(forms_[c], *columns[c]);
    }
    const auto rows = std::span(sorted_).subspan(start, count);
    for (size_t c = 0; c < columns.size(); ++c) {
      const auto codes = std::span(codes_[c]).subspan(start, count);
      part.lanes[c].append(*columns[c], part.row_count, rows, codes);
    }
    part.row_count += count;
    return {};
  }

  Status flush(uint32_t number) {
    Part& part = parts_[number];
    if (part.row_count == 0) return {};
    block_.clear();
    for (SpillLane& lane : part.lanes) lane.write_to(block_);
    const auto row_count = static_cast<uint32_t>(std::exchange(part.row_count, 0));
    return files_.append(thread_, number, row_count, block_);
  }

  size_t memory_bytes() const {
    size_t bytes = block_.capacity();
    for (const Part& part : parts_) {
      for (const SpillLane& lane : part.lanes) bytes += lane.memory_bytes();
    }
    for (const KeyValues& entries : entries_) bytes += entries.memory_bytes();
    return bytes;
  }

  const SpillPlan& plan_;
  const std::optional<GroupShare> ids_;
  SpillFiles& files_;
  const unsigned thread_;
  MemoryGauge gauge_;
  size_t rows_max_ = 0;  // of a block; only the rows of one vector may exceed it
  size_t text_bytes_max_ = 0;
  size_t entries_max_ = 0;
  std::vector<Part> parts_;
  std::vector<SpillForm> forms_;              // by column, for the current vectors
  std::vector<KeyValues> entries_;            // by column: the strings that had a dictionary
  std::vector<std::vector<uint32_t>> codes_;  // by column: the numbers of sorted_ in entries_
  std::vector<Dictionary> dictionaries_;      // by column: a copy of entries_, made by finish()
  std::vector<uint64_t> hashes_, more_hashes_;
  std::vector<uint32_t> sorted_;
  std::array<uint32_t, kParts> ends_{};
  std::vector<std::byte> block_;
  size_t vectors_added_ = 0;
};

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
  Execution& execution;
  const SpillPlan& plan;
  std::unique_ptr<SpillFiles> files;
  std::vector<std::unique_ptr<Writer>> writers;  // by thread
};

Spill::Spill(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Spill::~Spill() = default;

Result<std::unique_ptr<Spill>> Spill::create(Execution& execution, const SpillPlan& plan,
                                             const std::optional<GroupShare>& ids,
                                             unsigned thread_count) {
  TOCSIN_TRY(auto files, SpillFiles::create(execution, thread_count));
  auto impl = std::make_unique<Impl>(Impl{execution, plan, std::move(files), {}});
  for (unsigned thread = 0; thread < thread_count; ++thread) {
    impl->writers.push_back(
        std::make_unique<Writer>(execution, plan, ids, *impl->files, thread, thread_count));
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
  for (const SpillBlock& block : impl_->files->blocks(part)) count += block.row_count;
  return count;
}

Status Spill::read(uint32_t part, Evaluator& evaluator, const std::function<Status()>& consume) {
  SpillBlockSource source(impl_->plan.columns);
  for (const SpillBlock& block : impl_->files->blocks(part)) {
    TOCSIN_RETURN_IF_ERROR(impl_->execution.check());
    TOCSIN_RETURN_IF_ERROR(impl_->files->read(part, block, source.buffer()));
    source.open(block.row_count, impl_->writers[block.thread]->dictionaries());
    evaluator.bind(source);
    evaluator.begin(0, block.row_count);
    TOCSIN_RETURN_IF_ERROR(consume());
  }
  impl_->files->finish_reading(part);
  return {};
}

}  // namespace tocsin
