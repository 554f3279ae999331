// Times the parts of the store one by one (Google Benchmark): encoding and decoding, commits, seals
// and scans, and for comparison the memory and disk of the machine.
//
//   store_bench                                   everything; takes a minute
//   store_bench --benchmark_filter=decode         one kind
//
// Bytes per second refer to the values before encoding: 8 bytes per number, the length of a string.
// `ratio` is these bytes divided by the stored bytes.
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <random>

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "db/database.h"
#include "db/encoding/float.h"
#include "db/encoding/integer.h"
#include "db/encoding/template.h"
#include "db/encoding/text.h"
#include "query/query.h"

namespace tocsin {
namespace {

constexpr size_t kValues = kSegmentRowsMax;
constexpr Timestamp kDay0 = 20'000 * kDay;

[[noreturn]] void give_up(const std::string& what) {
  fmt::print(stderr, "store_bench: {}\n", what);
  std::exit(1);
}

template <class T>
T take(Result<T> result) {
  if (!result) give_up(result.error().message);
  return *std::move(result);
}
void take(const Status& status) {
  if (!status) give_up(status.error().message);
}

/// A folder in the current one, so that the user chooses the measured disk.
class Folder {
 public:
  Folder() {
    std::string name = "store_bench-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) give_up("cannot make a folder here");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// ---- values ----

std::vector<uint64_t> integers(std::string_view kind) {
  std::mt19937_64 random(1);
  std::vector<uint64_t> values(kValues);
  uint64_t time = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (kind == "times") {
      values[i] = time += random() % 200'000'000;
    } else if (kind == "narrow") {
      values[i] = random() % 1000;
    } else if (kind == "patched") {
      values[i] = random() % 20 == 0 ? random() % 1'000'000'000 : random() % 1000;
    } else {  // ids
      values[i] = i < 100 || random() % 2 == 0 ? random() : values[i - 1 - random() % 100];
    }
  }
  return values;
}

std::vector<double> decimals() {
  std::mt19937_64 random(2);
  std::vector<double> values(kValues);
  for (double& value : values) value = static_cast<double>(random() % 1'000'000) / 100;
  return values;
}

std::vector<std::string> messages() {
  std::mt19937_64 random(3);
  std::vector<std::string> texts(kValues);
  for (std::string& text : texts) {
    text = fmt::format("request {} of customer {} answered in {} ms by shard {}",
                       random() % 1'000'000, random() % 10'000, random() % 1000, random() % 16);
  }
  return texts;
}

std::vector<std::string_view> views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

size_t text_bytes(const std::vector<std::string>& texts) {
  size_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  return bytes;
}

void report(benchmark::State& state, size_t raw_bytes, size_t stored_bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(raw_bytes));
  state.counters["ratio"] = static_cast<double>(raw_bytes) / static_cast<double>(stored_bytes);
}

// ---- the machine ----

void memory_copy(benchmark::State& state) {
  const std::vector<char> from(256 * kMiB, 1);
  std::vector<char> to(from.size());
  for ([[maybe_unused]] auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size());
    benchmark::DoNotOptimize(to.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(from.size()));
}
BENCHMARK(memory_copy)->Unit(benchmark::kMillisecond);

void disk_write(benchmark::State& state) {
  const Folder folder;
  const std::vector<char> bytes(static_cast<size_t>(state.range(0)), 1);
  const int fd = open((folder.path() + "/file").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) give_up("cannot make a file here");
  for ([[maybe_unused]] auto _ : state) {
    if (pwrite(fd, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()) ||
        fdatasync(fd) != 0) {
      give_up("cannot write here");
    }
  }
  close(fd);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(disk_write)->Arg(4 * kKiB)->Arg(64 * kMiB)->UseRealTime()->Unit(benchmark::kMillisecond);

// ---- encodings ----

void encode_integer_column(benchmark::State& state, const char* kind) {
  const std::vector<uint64_t> values = integers(kind);
  std::vector<uint8_t> bytes;
  for ([[maybe_unused]] auto _ : state) {
    bytes.clear();
    encode_integers(values, bytes);
  }
  report(state, values.size() * sizeof(uint64_t), bytes.size());
}

void decode_integer_column(benchmark::State& state, const char* kind) {
  const std::vector<uint64_t> values = integers(kind);
  std::vector<uint8_t> bytes;
  encode_integers(values, bytes);
  const AlignedBytes stored{ByteView(bytes)};
  IntegerStream stream;
  if (!stream.open(stored.view(), values.size())) give_up("the stream does not open");
  std::vector<uint64_t> out(kVectorRows);
  for ([[maybe_unused]] auto _ : state) {
    for (size_t start = 0; start < values.size(); start += kVectorRows) {
      stream.read(start, kVectorRows, out.data());
      benchmark::DoNotOptimize(out.data());
    }
  }
  report(state, values.size() * sizeof(uint64_t), bytes.size());
}
#define INTEGER_COLUMN(kind)                             \
  BENCHMARK_CAPTURE(encode_integer_column, kind, #kind); \
  BENCHMARK_CAPTURE(decode_integer_column, kind, #kind)
INTEGER_COLUMN(times);
INTEGER_COLUMN(narrow);
INTEGER_COLUMN(patched);
INTEGER_COLUMN(ids);

void encode_decimal_column(benchmark::State& state) {
  const std::vector<double> values = decimals();
  size_t stored = 0;
  for ([[maybe_unused]] auto _ : state) stored = encode_decimals(values)->integers.size();
  report(state, values.size() * sizeof(double), stored);
}
BENCHMARK(encode_decimal_column);

void decode_decimal_column(benchmark::State& state) {
  const std::vector<double> values = decimals();
  const auto column = encode_decimals(values);
  const AlignedBytes stored{ByteView(column->integers)};
  IntegerStream stream;
  if (!stream.open(stored.view(), values.size())) give_up("the stream does not open");
  std::vector<double> out(kVectorRows);
  for ([[maybe_unused]] auto _ : state) {
    for (size_t start = 0; start < values.size(); start += kVectorRows) {
      decode_decimals(stream, column->exponent, column->positions, column->exceptions, start, out);
      benchmark::DoNotOptimize(out.data());
    }
  }
  report(state, values.size() * sizeof(double), stored.size());
}
BENCHMARK(decode_decimal_column);

void encode_templates_column(benchmark::State& state) {
  const std::vector<std::string> texts = messages();
  const std::vector<std::string_view> values = views(texts);
  std::vector<uint64_t> codes(values.size());
  std::iota(codes.begin(), codes.end(), 0);
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(encode_templates(values, codes));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text_bytes(texts)));
}
BENCHMARK(encode_templates_column)->Unit(benchmark::kMillisecond);

void encode_blocks_column(benchmark::State& state) {
  const std::vector<std::string> texts = messages();
  const std::vector<std::string_view> values = views(texts);
  size_t stored = 0;
  for ([[maybe_unused]] auto _ : state) {
    const TextColumn column = encode_text(values, true);
    stored = column.bytes.size() + column.lengths.size();
  }
  report(state, text_bytes(texts), stored);
}
BENCHMARK(encode_blocks_column)->Unit(benchmark::kMillisecond);

// ---- the store ----

/// Rows of one day; each batch one millisecond apart from the one before.
WriteRequest make_rows(size_t count, size_t first) {
  WriteRequest request;
  RowBatch& rows = request.batch.rows_of("m");
  const size_t service = rows.lane("service", ColumnType::kString, ColumnKind::kTag, 0);
  const size_t value = rows.lane("value", ColumnType::kF64, ColumnKind::kField, 1);
  const size_t message = rows.lane("message", ColumnType::kString, ColumnKind::kField, 2);
  for (size_t i = first; i < first + count; ++i) {
    rows.begin_row(kDay0 + static_cast<Timestamp>(i) * kMillisecond);
    rows.set_string(service, request.batch.copy(fmt::format("svc-{}", i % 50)));
    rows.set_f64(value, static_cast<double>(i % 10'000) / 8);
    rows.set_string(message, request.batch.copy(fmt::format("request {} took {} ms", i, i % 977)));
  }
  return request;
}

DatabaseOptions store_options() {
  DatabaseOptions options;
  options.commit_interval = 0;
  return options;
}

void commit(benchmark::State& state) {
  const Folder folder;
  const auto database = take(Database::open(folder.path(), store_options()));
  const auto count = static_cast<size_t>(state.range(0));
  size_t first = 0;
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    WriteRequest request = make_rows(count, first);
    state.ResumeTiming();
    take(database->write(std::move(request)));
    first += count;
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(commit)->Arg(1)->Arg(1000)->UseRealTime()->Unit(benchmark::kMillisecond);

void seal(benchmark::State& state) {
  const auto count = static_cast<size_t>(state.range(0));
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    const Folder folder;
    const auto database = take(Database::open(folder.path(), store_options()));
    for (size_t first = 0; first < count; first += 1000) {
      take(database->write(make_rows(1000, first)));
    }
    state.ResumeTiming();
    take(database->seal());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(seal)->Arg(50'000)->UseRealTime()->Unit(benchmark::kMillisecond);

void scan(benchmark::State& state, const char* query) {
  constexpr size_t kRows = 1'000'000;
  const Folder folder;
  const auto database = take(Database::open(folder.path(), store_options()));
  for (size_t first = 0; first < kRows; first += 50'000)
    take(database->write(make_rows(50'000, first)));
  take(database->seal());
  const QueryEngine engine(*database);
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(take(engine.run(query, {})));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kRows));
}
BENCHMARK_CAPTURE(scan, sum, "from m | stats s = sum(value)")->UseRealTime();
BENCHMARK_CAPTURE(scan, filtered, "from m | where value > 1200 | stats n = count()")->UseRealTime();
BENCHMARK_CAPTURE(scan, groups, "from m | stats s = sum(value) by service")->UseRealTime();
BENCHMARK_CAPTURE(scan, contains, "from m | where message contains \"77 ms\" | stats n = count()")
    ->UseRealTime();

}  // namespace
}  // namespace tocsin

BENCHMARK_MAIN();
