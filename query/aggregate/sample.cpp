// sample(x, n): the n earliest values as a JSON array; without times, the n smallest as text.
// Values that would make the array longer than kStringBytesMax are cut.
#include <algorithm>
#include <string>
#include <utility>

#include "db/base/text.h"
#include "db/limits.h"
#include "query/aggregate/aggregate.h"
#include "query/format/format.h"

namespace tocsin {
namespace {

class SampleAccumulator final : public Accumulator {
 public:
  explicit SampleAccumulator(size_t count_max)
      : count_max_(count_max), json_bytes_max_((kStringBytesMax - 1) / count_max - 1) {}

  void resize(size_t group_count) override { groups_.resize(group_count); }

  void update(const AggregateInput& input) override {
    for (size_t i = 0; i < input.rows.size(); ++i) {
      const uint32_t row = input.rows[i];
      if (input.argument->is_null(row) || (input.time && input.time->is_null(row))) continue;
      const Timestamp time = input.time ? input.time->i64[row] : 0;
      const auto& group = groups_[input.groups[i]];
      if (group.size() >= count_max_ && (group.empty() || time > group.back().time)) continue;
      add(input.groups[i], {time, json_at(*input.argument, row)});
    }
  }

  void merge(Accumulator& other, std::span<const uint32_t> map) override {
    auto& from = dynamic_cast<SampleAccumulator&>(other).groups_;
    for (size_t i = 0; i < from.size(); ++i) {
      for (Sample& sample : from[i]) add(map[i], std::move(sample));
    }
  }

  Status finish(std::span<TableColumn* const> outputs, StringArena& arena) override {
    for (const auto& group : groups_) {
      if (group.empty()) {
        outputs.front()->append_null();
        continue;
      }
      std::string array = "[";
      for (const Sample& sample : group) {
        if (array.size() > 1) array += ',';
        array += sample.json;
      }
      outputs.front()->valid.push_back(1);
      outputs.front()->text.push_back(arena.keep(array + "]"));
    }
    return {};
  }

  size_t memory_bytes() const override {
    return groups_.capacity() * sizeof(std::vector<Sample>) + text_bytes_;
  }

 private:
  struct Sample {
    Timestamp time;
    std::string json;
    // Breaks ties by text, so that the result does not depend on the threads.
    auto operator<=>(const Sample&) const = default;
  };

  std::string json_at(const Vector& values, uint32_t row) const {
    if (values.type != ValueType::kString) return json_of(values.at(row));
    const std::string_view text = values.text_at(row);
    constexpr std::string_view kCut = "…";
    constexpr size_t kQuotes = 2;
    const size_t whole_max = json_bytes_max_ - kQuotes;
    size_t size = text.size() <= whole_max ? text.size() : whole_max - kCut.size();
    while (true) {
      while (size > 0 && size < text.size() && continues_character(text[size])) --size;
      std::string part(text.substr(0, size));
      if (size < text.size()) part += kCut;
      std::string json = json_of(Value::of(std::move(part)));
      if (json.size() <= json_bytes_max_) return json;
      size /= 2;  // escapes make it longer
    }
  }

  void add(uint32_t index, Sample sample) {
    auto& group = groups_[index];
    text_bytes_ += sizeof(Sample) + sample.json.size();
    group.insert(std::ranges::upper_bound(group, sample), std::move(sample));
    if (group.size() <= count_max_) return;
    text_bytes_ -= sizeof(Sample) + group.back().json.size();
    group.pop_back();
  }

  size_t count_max_;
  size_t json_bytes_max_;                    // of one value
  std::vector<std::vector<Sample>> groups_;  // each ascending
  size_t text_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Accumulator> make_sample(const Aggregate& aggregate) {
  return std::make_unique<SampleAccumulator>(aggregate.sample_count);
}

}  // namespace tocsin
