// Admission of requests, and when queued ones are due.
#include "db/write/write_queue.h"

#include <thread>

#include <catch2/catch.hpp>

#include "db/limits.h"

namespace tocsin {
namespace {

using std::chrono::steady_clock;

WriteRequest request_of(size_t text_size, bool urgent = false, bool bulk = false) {
  WriteRequest request;
  RowBatch& rows = request.batch.rows_of("m");
  rows.begin_row(0);
  rows.set_string(rows.lane("s", ColumnType::kString, ColumnKind::kField, 0),
                  request.batch.copy(std::string(text_size, 'x')));
  request.urgent = urgent;
  request.bulk = bulk;
  return request;
}

DatabaseOptions patient_options() {
  DatabaseOptions options;
  options.commit_interval = kHour;
  return options;
}

/// Pushes and returns the error, or nothing.
std::optional<ErrorCode> push(WriteQueue& queue, WriteRequest request) {
  const Status status = queue.push(std::move(request), {}, false);
  if (status) return std::nullopt;
  return status.error().code;
}

/// The work that is due now.
WriteQueue::Work due_work(WriteQueue& queue) { return queue.wait(steady_clock::now()); }

TEST_CASE("write queue: requests wait for the commit interval unless one is urgent", "[db]") {
  const DatabaseOptions options = patient_options();
  WriteQueue queue(options);
  CHECK(push(queue, request_of(1)) == std::nullopt);
  CHECK(due_work(queue).grouped.empty());
  CHECK(push(queue, request_of(1, true)) == std::nullopt);
  CHECK(due_work(queue).grouped.size() == 2);
  // The urgent request has been taken, so the next one waits again.
  CHECK(push(queue, request_of(1)) == std::nullopt);
  CHECK(due_work(queue).grouped.empty());
  CHECK(queue.take_writes().grouped.size() == 1);
}

TEST_CASE("write queue: enough bytes are due at once, and bulk requests always are", "[db]") {
  DatabaseOptions options = patient_options();
  options.commit_bytes = 100'000;
  WriteQueue queue(options);
  CHECK(push(queue, request_of(1, false, true)) == std::nullopt);
  CHECK(push(queue, request_of(1)) == std::nullopt);
  WriteQueue::Work work = due_work(queue);
  CHECK(work.bulk.size() == 1);
  CHECK(work.grouped.empty());
  CHECK(push(queue, request_of(100'000)) == std::nullopt);
  CHECK(due_work(queue).grouped.size() == 2);
}

TEST_CASE("write queue: the longest wait is that of the oldest request that is not committed",
          "[db]") {
  const DatabaseOptions options = patient_options();
  WriteQueue queue(options);
  CHECK(queue.longest_wait() == 0);
  const auto start = steady_clock::now();
  CHECK(push(queue, request_of(1)) == std::nullopt);
  const WriteQueue::Work work = queue.take_writes();  // now being committed
  CHECK(push(queue, request_of(1)) == std::nullopt);
  while (steady_clock::now() - start < std::chrono::milliseconds(2)) std::this_thread::yield();
  const Duration wait = queue.longest_wait();
  CHECK(wait > 0);
  queue.release(work.grouped.front().bytes);
  queue.release(queue.take_writes().grouped.front().bytes);
  CHECK(queue.longest_wait() == 0);
}

TEST_CASE("write queue: pending bytes are bounded, but one request is always admitted", "[db]") {
  DatabaseOptions options = patient_options();
  options.pending_bytes_max = 1'000;
  WriteQueue queue(options);
  CHECK(push(queue, request_of(100'000)) == std::nullopt);
  CHECK(push(queue, request_of(1)) == ErrorCode::kBusy);
  WriteQueue::Work work = queue.take_writes();
  REQUIRE(work.grouped.size() == 1);
  CHECK(queue.pending_bytes() == work.grouped[0].bytes);
  CHECK(push(queue, request_of(1)) == ErrorCode::kBusy);  // taken, but not released
  queue.release(work.grouped[0].bytes);
  CHECK(queue.pending_bytes() == 0);
  CHECK(push(queue, request_of(1)) == std::nullopt);
}

TEST_CASE("write queue: a push that waits for room continues after a release", "[db]") {
  DatabaseOptions options = patient_options();
  options.pending_bytes_max = 1'000;
  WriteQueue queue(options);
  REQUIRE(push(queue, request_of(100'000)) == std::nullopt);
  const WriteQueue::Work work = queue.take_writes();
  Status waited = fail(ErrorCode::kIo, "not returned yet");
  std::thread pusher([&] { waited = queue.push(request_of(1), {}, true); });
  queue.release(work.grouped[0].bytes);
  pusher.join();
  CHECK(waited.has_value());
  CHECK(queue.take_writes().grouped.size() == 1);
}

TEST_CASE("write queue: a suspended queue refuses with the reason and keeps its requests", "[db]") {
  const DatabaseOptions options = patient_options();
  WriteQueue queue(options);
  CHECK(push(queue, request_of(1)) == std::nullopt);
  queue.suspend(Error{ErrorCode::kDiskFull, "no space"});
  CHECK(push(queue, request_of(1)) == ErrorCode::kDiskFull);
  CHECK(queue.suspended_by()->message == "no space");
  queue.resume();
  CHECK(!queue.suspended_by());
  CHECK(push(queue, request_of(1)) == std::nullopt);
  CHECK(queue.take_writes().grouped.size() == 2);
}

TEST_CASE("write queue: a stopped queue hands over everything and refuses the rest", "[db]") {
  const DatabaseOptions options = patient_options();
  WriteQueue queue(options);
  CHECK(push(queue, request_of(1)) == std::nullopt);
  queue.stop();
  CHECK(push(queue, request_of(1)) == ErrorCode::kBusy);
  CHECK(queue.run_task([] { return Status(); }).error().code == ErrorCode::kBusy);
  const WriteQueue::Work work = queue.wait(steady_clock::now() + std::chrono::hours(1));
  CHECK(work.stop);
  CHECK(work.grouped.size() == 1);
}

TEST_CASE("write queue: keys of small tables are checked", "[db]") {
  const DatabaseOptions options = patient_options();
  WriteQueue queue(options);
  const auto check = [&](size_t key_size, std::optional<ErrorCode> expected) {
    WriteRequest request;
    request.changes.push_back({SmallTable::kRules, std::string(key_size, 'k'), "v"});
    CHECK(push(queue, std::move(request)) == expected);
  };
  check(0, ErrorCode::kInvalid);
  check(1, std::nullopt);
  check(kSmallKeyBytesMax, std::nullopt);
  check(kSmallKeyBytesMax + 1, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace tocsin
