// Which column each lane goes to, by name.
#include "db/write/column_routing.h"

#include <catch2/catch.hpp>

namespace tocsin {
namespace {

class RoutingFixture {
 public:
  RoutingFixture& row() {
    rows.begin_row(0);
    return *this;
  }
  RoutingFixture& tag(std::string_view name) {
    rows.set_string(rows.lane(name, ColumnType::kString, ColumnKind::kTag, 0), "t");
    return *this;
  }
  RoutingFixture& i64(std::string_view name, int64_t value) {
    rows.set_i64(rows.lane(name, ColumnType::kI64, ColumnKind::kField, 0), value);
    return *this;
  }
  RoutingFixture& f64(std::string_view name, double value) {
    rows.set_f64(rows.lane(name, ColumnType::kF64, ColumnKind::kField, 0), value);
    return *this;
  }

  /// `name:rows+rows` per column, one list of row numbers per lane; then `rest:row=name:json`.
  std::string routes() {
    RowRefusals refusals(rows, report);
    std::string out;
    const RoutedRows routed = route_columns(rows, refusals);
    for (const ColumnRoute& route : routed.columns) {
      out += (out.empty() ? "" : " ") + route.name + ":";
      for (const LaneSelection& selection : route.selections) {
        if (&selection != &route.selections[0]) out += "+";
        for_each_index(selection,
                       [&](uint32_t k) { out += std::to_string(selection.lane->rows[k]); });
      }
    }
    for (const RestValue& value : routed.rest) {
      out += " rest:" + std::to_string(value.row) + "=" + value.name + ":" + value.json;
    }
    return out;
  }

  RowBatch rows{"m"};
  WriteReport report;
};

TEST_CASE("column routing: lanes of one name share a column", "[db]") {
  CHECK(RoutingFixture().row().i64("a", 1).row().f64("a", 0.5).i64("b", 1).routes() == "a:0+1 b:1");
}

TEST_CASE("column routing: only fields in rows with a tag of their name are renamed", "[db]") {
  CHECK(RoutingFixture().row().tag("a").i64("a", 1).row().i64("a", 2).routes() ==
        "a:0+1 a_field:0");
  CHECK(RoutingFixture().row().tag("a").row().i64("a", 2).routes() == "a:0+1");
}

TEST_CASE("column routing: `time` and `measurement` are renamed", "[db]") {
  CHECK(RoutingFixture().row().tag("measurement").i64("time", 1).routes() ==
        "measurement_field:0 time_field:0");
}

TEST_CASE("column routing: a value whose new name is taken in its row goes to rest", "[db]") {
  RoutingFixture f;
  f.row().i64("time", 7).i64("time_field", 1).row().i64("time", 8);
  CHECK(f.routes() == "time_field:0+1 rest:0=time:7");
  CHECK(f.report.warnings.size() == 1);
}

}  // namespace
}  // namespace tocsin
