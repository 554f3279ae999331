#include "query/vector/evaluator.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <re2/re2.h>

#include "db/base/check.h"
#include "query/base/limits.h"
#include "query/vector/function_kernels.h"
#include "query/vector/kernels.h"
#include "query/vector/text_search.h"

namespace tocsin {
namespace {

// Larger dictionaries are not evaluated as a whole, because a query's rows may need only a few of
// the entries.
constexpr size_t kEvaluatedEntriesMax = 64 * 1024;
/// Buffers of vectors up to this size do not count: they depend on the query alone.
constexpr size_t kBufferBytesFree = 4 * kMiB;
/// Further arguments of an `if` are computed for all rows, since each of these has own buffers.
constexpr size_t kChosenEvaluatorsMax = 8;
constexpr uint64_t kAlways = UINT64_MAX;  // the epoch of literals

// A source with one column: the entries of a dictionary, followed by a null.
class EntrySource final : public ColumnSource {
 public:
  explicit EntrySource(const Dictionary& dictionary) : dictionary_(dictionary) {}

  Status read(uint32_t, size_t start, size_t count, std::span<const uint32_t>,
              Vector& out) override {
    out.reset(ValueType::kString, count);
    const auto text = out.make_text();
    const size_t present = std::min(count, dictionary_.entries.size() - start);
    std::copy_n(dictionary_.entries.begin() + static_cast<ptrdiff_t>(start), present, text.begin());
    if (present < count) {
      text[present] = {};
      out.writable_valid()[present] = 0;
    }
    return {};
  }
  Result<const Dictionary*> dictionary(uint32_t) override { return nullptr; }

 private:
  const Dictionary& dictionary_;
};

template <class T>
void copy_to(std::span<const T> from, size_t start, std::span<T> out) {
  std::copy_n(from.begin(), from.size(), out.begin() + static_cast<ptrdiff_t>(start));
}

bool has_pattern(const Node& node) {
  return node.kind == Node::Kind::kCall &&
         (node.function == Function::kMatches || node.function == Function::kNotMatches ||
          node.function == Function::kExtract);
}

Function mirrored(Function comparison) {
  switch (comparison) {
    case Function::kLess: return Function::kGreater;
    case Function::kLessEqual: return Function::kGreaterEqual;
    case Function::kGreater: return Function::kLess;
    case Function::kGreaterEqual: return Function::kLessEqual;
    default: return comparison;
  }
}

// Whether the comparison with the literal can hold for some value in [min, max].
bool range_overlaps(Function comparison, const ColumnStatistics& range, const Value& literal) {
  int min_order = 0;  // of the minimum compared to the literal
  int max_order = 0;
  const auto compare = [&](auto value) {
    min_order = kernels::compare_exact(range.min, value);
    max_order = kernels::compare_exact(range.max, value);
  };
  if (const auto* i = std::get_if<int64_t>(&literal.data)) {
    compare(*i);
  } else if (const auto* u = std::get_if<uint64_t>(&literal.data)) {
    compare(*u);
  } else if (const auto* d = std::get_if<double>(&literal.data)) {
    compare(*d);
  } else {
    return true;
  }
  switch (comparison) {
    case Function::kEqual: return min_order <= 0 && max_order >= 0;
    case Function::kLess: return min_order < 0;
    case Function::kLessEqual: return min_order <= 0;
    case Function::kGreater: return max_order > 0;
    case Function::kGreaterEqual: return max_order >= 0;
    default: return true;
  }
}

}  // namespace

Evaluator::Evaluator(const Program& program, Budget& budget, Timestamp now, const TimeZone& zone)
    : program_(program), budget_(budget), gauge_(budget), scalar_(now, zone), rows_(kVectorRows) {
  slots_.resize(program.nodes.size());
  key_slots_.resize(program.nodes.size());
  template_tables_.resize(program.nodes.size());
  entry_tables_.resize(program.nodes.size());
  lists_.resize(program.nodes.size());
  searches_.resize(program.nodes.size());
  size_t pattern_count = 0;
  size_t literal_bytes = 0;
  for (size_t i = 0; i < program.nodes.size(); ++i) {
    const Node& node = program.nodes[i];
    searches_[i] = TextSearch::of(program, node);
    if (has_pattern(node)) ++pattern_count;
    if (node.kind != Node::Kind::kLiteral) continue;
    const size_t row_count = node.list_item ? 1 : kVectorRows;
    fill_constant(node.literal, node.type, row_count, slots_[i].vector);
    slots_[i].epoch = kAlways;
    literal_bytes += slots_[i].vector.memory_bytes();
  }
  scalar_.expect_patterns(pattern_count);
  buffer_bytes_ = literal_bytes;
}

size_t Evaluator::EntryTable::memory_bytes() const {
  return values.memory_bytes() + codes.capacity() * sizeof(uint32_t) +
         dictionary.entries.capacity() * sizeof(std::string_view) + arena.memory_bytes();
}

Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;

void Evaluator::bind(ColumnSource& source) {
  source_ = &source;
  row_now_ = {};
  ++epoch_;
  ++bound_;
}

void Evaluator::begin(size_t start, size_t count) {
  TOCSIN_CHECK(count <= kVectorRows);
  start_ = start;
  count_ = count;
  selected_ = count;
  std::iota(rows_.begin(), rows_.begin() + static_cast<ptrdiff_t>(count), 0u);
  ++epoch_;
}

void Evaluator::select(std::span<const uint8_t> mask) {
  selected_ = kernels::select_rows(mask, {rows_.data(), selected_});
}

Status Evaluator::filter() {
  for (const NodeId node : program_.filters) {
    if (selected_ == 0) return {};
    TOCSIN_TRY(const Vector* mask, value(node));
    if (mask->type == ValueType::kBool) {
      select(mask->boolean);
    } else {
      selected_ = 0;  // the literal null counts as false
    }
  }
  return {};
}

Result<bool> Evaluator::may_match() {
  for (const NodeId node : program_.filters) {
    TOCSIN_TRY(const EntryTable* table, entry_table(node));
    if (table && std::ranges::none_of(table->values.boolean, [](uint8_t b) { return b != 0; })) {
      return false;
    }
    TOCSIN_TRY(const TemplateTable* templates, template_table(node));
    if (templates && std::ranges::all_of(templates->matches, [](TextMatch match) {
          return match == TextMatch::kNever;
        })) {
      return false;
    }
    TOCSIN_TRY(const bool in_range, range_may_match(program_.nodes[node]));
    if (!in_range) return false;
  }
  return true;
}

// Tests comparisons of a column with a number against the column's zone map.
Result<bool> Evaluator::range_may_match(const Node& node) {
  if (node.kind != Node::Kind::kCall || node.arguments.size() != 2) return true;
  if (node.function < Function::kEqual || node.function > Function::kGreaterEqual) return true;
  const Node* left = &program_.nodes[node.arguments[0]];
  const Node* right = &program_.nodes[node.arguments[1]];
  const bool swapped = left->kind == Node::Kind::kLiteral;
  if (swapped) std::swap(left, right);
  if (left->kind != Node::Kind::kSource || right->kind != Node::Kind::kLiteral) return true;
  TOCSIN_TRY(const auto statistics, source_->statistics(left->column));
  if (!statistics) return true;
  if (statistics->null_count == source_->row_count() && source_->row_count() != 0) return false;
  if (!statistics->has_range) return true;
  return range_overlaps(swapped ? mirrored(node.function) : node.function, *statistics,
                        right->literal);
}

Result<const Vector*> Evaluator::value(NodeId id) {
  Slot& slot = slots_[id];
  if (slot.epoch == epoch_ || slot.epoch == kAlways) return &slot.vector;
  const Node& node = program_.nodes[id];
  const size_t buffers_before = slot.vector.memory_bytes() - slot.vector.kept_bytes();
  switch (node.kind) {
    case Node::Kind::kLiteral: break;
    case Node::Kind::kSource:
      TOCSIN_RETURN_IF_ERROR(source_->read(node.column, start_, count_, rows(), slot.vector));
      break;
    case Node::Kind::kNow: fill_now(slot.vector); break;
    case Node::Kind::kCall: {
      TOCSIN_TRY(bool done, by_dictionary(id, slot.vector));
      if (!done) {
        TOCSIN_TRY(done, by_templates(id, slot.vector));
      }
      if (done) break;
      if (searches_[id]) {
        TOCSIN_RETURN_IF_ERROR(search(id, slot.vector));
        break;
      }
      // The texts that the vector has kept are replaced; the call counts the new ones.
      TOCSIN_RETURN_IF_ERROR(gauge_.change(kept_texts_bytes(slot.vector), 0));
      TOCSIN_RETURN_IF_ERROR(call(id, slot.vector));
      break;
    }
  }
  TOCSIN_RETURN_IF_ERROR(
      count_buffers(buffers_before, slot.vector.memory_bytes() - slot.vector.kept_bytes()));
  slot.epoch = epoch_;
  return &slot.vector;
}

void Evaluator::fill_now(Vector& out) {
  out.reset(ValueType::kTime, count_);
  if (row_now_.empty()) {
    std::ranges::fill(out.make_i64(), scalar_.now);
  } else {
    out.i64 = row_now_.first(count_);
  }
}

Result<const Evaluator::EntryTable*> Evaluator::entry_table(NodeId id) {
  const Node& node = program_.nodes[id];
  if (node.kind != Node::Kind::kCall || node.only_column == kNoColumn) return nullptr;
  TOCSIN_TRY(const Dictionary* dictionary, source_->dictionary(node.only_column));
  if (!dictionary || dictionary->entries.size() > kEvaluatedEntriesMax) return nullptr;
  auto& table = entry_tables_[id];
  if (!table) table = std::make_unique<EntryTable>();
  if (table->serial == dictionary->serial) return table.get();

  const size_t entry_count = dictionary->entries.size();
  EntrySource entries(*dictionary);
  if (!entry_evaluator_) {
    entry_evaluator_ = std::make_unique<Evaluator>(program_, budget_, scalar_.now, scalar_.zone);
  }
  entry_evaluator_->bind(entries);
  size_t counted_bytes = table->memory_bytes();
  Vector& values = table->values;
  values.reset(node.type, entry_count + 1);
  table->serial = 0;
  table->dictionary.entries.clear();
  table->codes.assign(entry_count + 1, 0);
  table->arena.clear();
  for (size_t start = 0; start <= entry_count; start += kVectorRows) {
    const size_t count = std::min(kVectorRows, entry_count + 1 - start);
    entry_evaluator_->begin(start, count);
    TOCSIN_TRY(const Vector* part, entry_evaluator_->value(id));
    if (!part->valid.empty()) copy_to(part->valid.first(count), start, values.writable_valid());
    switch (node.type) {
      case ValueType::kBool:
        copy_to(part->boolean.first(count), start, values.make_boolean());
        break;
      case ValueType::kI64:
      case ValueType::kTime:
      case ValueType::kDuration: copy_to(part->i64.first(count), start, values.make_i64()); break;
      case ValueType::kU64: copy_to(part->u64.first(count), start, values.make_u64()); break;
      case ValueType::kF64: copy_to(part->f64.first(count), start, values.make_f64()); break;
      case ValueType::kString:
        for (size_t i = 0; i < count; ++i) {
          if (part->is_null(i)) {
            table->codes[start + i] = UINT32_MAX;
            continue;
          }
          table->codes[start + i] = static_cast<uint32_t>(table->dictionary.entries.size());
          table->dictionary.entries.push_back(table->arena.keep(part->text_at(i)));
        }
        break;
      case ValueType::kNull: break;
    }
    TOCSIN_RETURN_IF_ERROR(gauge_.change(counted_bytes, table->memory_bytes()));
    counted_bytes = table->memory_bytes();
  }
  const auto null_code = static_cast<uint32_t>(table->dictionary.entries.size());
  for (uint32_t& code : table->codes) code = std::min(code, null_code);
  table->dictionary.serial = next_dictionary_serial();
  table->serial = dictionary->serial;
  return table.get();
}

Result<bool> Evaluator::by_dictionary(NodeId id, Vector& out) {
  TOCSIN_TRY(const EntryTable* table, entry_table(id));
  if (!table) return false;
  const Node& node = program_.nodes[id];
  TOCSIN_TRY(const Vector* column, value(node.only_column));  // column i is node i
  const auto codes = column->codes;
  if (codes.empty() && count_ != 0) return false;
  out.reset(node.type, count_);
  const Vector& values = table->values;
  if (!values.valid.empty()) kernels::gather(values.valid, codes, out.make_valid());
  switch (node.type) {
    case ValueType::kBool: {
      const auto mask = out.make_boolean();
      if (kernels::are_few(selected_, count_)) {
        for (const uint32_t row : rows()) mask[row] = values.boolean[codes[row]];
      } else {
        kernels::gather(values.boolean, codes, mask);
      }
      break;
    }
    case ValueType::kI64:
    case ValueType::kTime:
    case ValueType::kDuration: kernels::gather(values.i64, codes, out.make_i64()); break;
    case ValueType::kU64: kernels::gather(values.u64, codes, out.make_u64()); break;
    case ValueType::kF64: kernels::gather(values.f64, codes, out.make_f64()); break;
    case ValueType::kString:
      kernels::gather(std::span<const uint32_t>(table->codes), codes, out.make_codes());
      out.dictionary = &table->dictionary;
      break;
    case ValueType::kNull: break;
  }
  return true;
}

// Null unless the node is a search in a column that has templates.
Result<Evaluator::TemplateTable*> Evaluator::template_table(NodeId id) {
  if (!searches_[id]) return nullptr;
  const Node& text = program_.nodes[searches_[id]->text()];
  if (text.kind != Node::Kind::kSource) return nullptr;
  auto& table = template_tables_[id];
  if (!table) table = std::make_unique<TemplateTable>();
  if (std::exchange(table->bound, bound_) != bound_) {
    table->matches.clear();
    TOCSIN_TRY(const auto templates, source_->templates(text.column));
    for (const TextTemplate& each : templates) {
      table->matches.push_back(searches_[id]->holds(each));
    }
  }
  return table->matches.empty() ? nullptr : table.get();
}

// Reads only the texts whose templates leave the answer open.
Result<bool> Evaluator::by_templates(NodeId id, Vector& out) {
  TOCSIN_TRY(TemplateTable * table, template_table(id));
  if (!table) return false;
  TextSearch& search = *searches_[id];
  const uint32_t column = program_.nodes[search.text()].column;
  TOCSIN_RETURN_IF_ERROR(source_->read_template_ids(column, start_, count_, table->ids));
  out.reset(ValueType::kBool, count_);
  const auto mask = out.make_boolean();
  table->unknown_rows.clear();
  for (const uint32_t row : rows()) {
    const TextMatch match = table->matches.at(table->ids.codes[row]);
    const bool is_null = table->ids.is_null(row);
    mask[row] = !is_null && match == TextMatch::kAlways;
    if (!is_null && match == TextMatch::kUnknown) table->unknown_rows.push_back(row);
  }
  if (table->unknown_rows.empty()) return true;
  TOCSIN_RETURN_IF_ERROR(source_->read(column, start_, count_, table->unknown_rows, table->texts));
  for (const uint32_t row : table->unknown_rows) {
    mask[row] = search.holds(table->texts.text_at(row), scalar_);
  }
  return true;
}

Result<const Vector*> Evaluator::key(NodeId id) {
  const Node& node = program_.nodes[id];
  if (node.kind != Node::Kind::kSource || node.type != ValueType::kString) return value(id);
  Slot& slot = key_slots_[id];
  if (slot.epoch == epoch_) return &slot.vector;
  TOCSIN_TRY(const bool done, source_->read_ids(node.column, start_, count_, slot.vector));
  if (!done) return value(id);
  slot.epoch = epoch_;
  return &slot.vector;
}

Status Evaluator::count_buffers(size_t before, size_t after) {
  buffer_bytes_ += after - before;
  const size_t excess = std::max(buffer_bytes_, kBufferBytesFree) - kBufferBytesFree;
  if (excess == buffers_counted_) return {};
  return gauge_.change(std::exchange(buffers_counted_, excess), excess);
}

Status Evaluator::search(NodeId id, Vector& out) {
  TextSearch& search = *searches_[id];
  TOCSIN_TRY(const Vector* texts, value(search.text()));
  out.reset(ValueType::kBool, count_);
  const auto mask = out.make_boolean();
  size_t unchecked_bytes = 0;
  for (const uint32_t row : rows()) {
    const std::string_view text = texts->text_at(row);
    mask[row] = !texts->is_null(row) && search.holds(text, scalar_);
    unchecked_bytes += text.size();
    if (unchecked_bytes < kUncheckedBytesMax) continue;
    unchecked_bytes = 0;
    TOCSIN_RETURN_IF_ERROR(budget_.check());
  }
  return {};
}

// kLimit if matching a text with the node's pattern could take too long.
Status Evaluator::check_pattern(const Node& node, const Vector& text) {
  const auto* literal = std::get_if<std::string>(&program_.nodes[node.arguments[1]].literal.data);
  const re2::RE2* const pattern = literal ? scalar_.pattern(*literal) : nullptr;
  if (!pattern) return {};
  const auto program_size = static_cast<uint64_t>(std::max(pattern->ProgramSize(), 1));
  for (const uint32_t row : rows()) {
    const size_t size = text.text_at(row).size();
    if (size <= kPatternWorkMax / program_size) continue;
    return fail(ErrorCode::kLimit,
                fmt::format("the pattern {} is too complex for a text of {} bytes; use a simpler "
                            "pattern, or match only a part with substring(text, 0, 1000)",
                            *literal, size));
  }
  return {};
}

// The value of an argument of an `if`, for the rows in which the condition chooses it. A text takes
// long to read and compute, so if only few rows need it, an evaluator of its own skips the others.
Result<const Vector*> Evaluator::chosen(NodeId id, size_t argument, const Vector& condition) {
  const NodeId wanted = program_.nodes[id].arguments[argument];
  const Node& node = program_.nodes[wanted];
  if (node.kind != Node::Kind::kCall || node.type != ValueType::kString || !may_choose_ ||
      slots_[wanted].epoch == epoch_ || condition.type != ValueType::kBool)
    return value(wanted);
  TOCSIN_TRY(const EntryTable* entries, entry_table(wanted));
  if (entries) return value(wanted);
  std::vector<uint8_t> mask(count_);
  size_t wanted_count = 0;
  for (const uint32_t row : rows()) {
    mask[row] = (condition.boolean[row] != 0) == (argument == 1);
    wanted_count += mask[row];
  }
  const auto key = std::make_pair(id, argument);
  auto found = chosen_evaluators_.find(key);
  if (wanted_count > selected_ / 2 ||
      (found == chosen_evaluators_.end() && chosen_evaluators_.size() == kChosenEvaluatorsMax))
    return value(wanted);
  if (found == chosen_evaluators_.end()) {
    auto evaluator = std::make_unique<Evaluator>(program_, budget_, scalar_.now, scalar_.zone);
    evaluator->may_choose_ = false;
    found = chosen_evaluators_.emplace(key, std::move(evaluator)).first;
  }
  Evaluator& evaluator = *found->second;
  if (std::exchange(evaluator.owner_bound_, bound_) != bound_) evaluator.bind(*source_);
  evaluator.set_now(row_now_);
  evaluator.begin(start_, count_);
  evaluator.rows_.assign(rows_.begin(), rows_.end());
  evaluator.selected_ = selected_;
  evaluator.select(mask);
  return evaluator.value(wanted);
}

Status Evaluator::call(NodeId id, Vector& out) {
  const Node& node = program_.nodes[id];
  std::vector<const Vector*> arguments;
  arguments.reserve(node.arguments.size());
  for (size_t i = 0; i < node.arguments.size(); ++i) {
    const bool is_chosen = node.function == Function::kIf && i > 0;
    TOCSIN_TRY(const Vector* vector,
               is_chosen ? chosen(id, i, *arguments.front()) : value(node.arguments[i]));
    arguments.push_back(vector);
  }
  if (has_pattern(node) && arguments[0]->type == ValueType::kString) {
    TOCSIN_RETURN_IF_ERROR(check_pattern(node, *arguments[0]));
  }
  const FunctionInput input{node, arguments, rows(), count_, lists_[id], budget_, gauge_};
  TOCSIN_TRY(const bool done, call_kernel(input, scalar_, out));
  if (done) return {};
  Status status = call_by_row(input, scalar_, out);
  budget_.texts_too_long += std::exchange(scalar_.texts_too_long, 0);
  return status;
}

}  // namespace tocsin
