#include "db/schema/own_columns.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "db/schema/reject_log.h"

namespace tocsin {
namespace {

TEST_CASE("own columns: those of rejected are the ones that are written", "[db]") {
  WriteRequest request;
  request.source = "tcp 127.0.0.1";
  request.origin = {"/write", "json", "ns", "logs", "a,b", "t", "%s", "UTC", "h"};
  RejectLog log;
  Batch batch;
  log.begin_commit(1);
  log.add({request, "reason", "line", false}, kMinute, batch);
  log.add_retried({1, "tcp 127.0.0.1", "reason", "line"}, kMinute, batch);
  std::vector<OwnColumn> written;
  for (const Lane& lane : batch.rows_of(kRejectedMeasurement).lanes()) {
    if (std::ranges::find(written, lane.name, &OwnColumn::name) == written.end())
      written.push_back({lane.name.c_str(), lane.type, lane.kind});
  }
  const auto known = own_columns(kRejectedMeasurement);
  CHECK(std::ranges::is_permutation(written, known));
}

TEST_CASE("own columns: other measurements have none", "[db]") {
  CHECK(own_columns("audit").empty());
  for (const char* name : {kAlertsMeasurement, kDeliveriesMeasurement, kRejectedMeasurement})
    CHECK_FALSE(own_columns(name).empty());
}

}  // namespace
}  // namespace tocsin
