#include "net/parse/records.h"

#include <memory>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "db/limits.h"
#include "net/parse/json_lines.h"
#include "net/parse/line_origin.h"
#include "tests/support/batch_text.h"

namespace tocsin {
namespace {

using Values = std::vector<RecordValue>;
constexpr auto kRecord = RecordPart::kRecord;
constexpr auto kAttribute = RecordPart::kAttribute;
constexpr auto kResource = RecordPart::kResource;

struct RecordFixture {
  ParseOptions options = [] {
    ParseOptions out;
    out.measurement = "logs";
    return out;
  }();
  Batch batch{ConflictPolicy::kKeepInRest};
  LineErrors errors;
  RecordRows rows{options, batch, errors};

  void append(Values values) { rows.append(5, values); }
  std::string text() const { return batch_text(batch); }
  std::string oddity() const { return errors.warnings()[LineWarning::kOddKey].first; }
};

TEST_CASE("records: a name of two parts belongs to the first, the other gets its part's name",
          "[net]") {
  RecordFixture f;
  f.append({text_value(kRecord, "message", "m"), text_value(kAttribute, "message", "a"),
            tag_value(kResource, "message", "r"), tag_value(kResource, "host", "h")});
  CHECK(f.text() ==
        "logs @5 attribute.message='a' message='m' tag:host='h' tag:resource.message='r'");
  CHECK(f.oddity().empty());
}

TEST_CASE("records: the last of several values of one part counts", "[net]") {
  RecordFixture f;
  f.append({text_value(kAttribute, "a", "1"), text_value(kAttribute, "b", "2"),
            i64_value(kAttribute, "a", 3)});
  f.append({text_value(kAttribute, "a", "1"), text_value(kAttribute, "b", "2")});
  CHECK(f.text() == "logs @5 a=3i b='2'\nlogs @5 a='1' b='2'");
  CHECK(f.oddity() == "the key `a` occurs twice: only its last value is stored");
}

TEST_CASE("records: many values are handled as few are", "[net]") {
  RecordFixture f;
  Values values;
  for (int i = 0; i < 100; ++i) {
    const std::string name = fmt::format("n{}", i % 90);
    values.push_back(i64_value(i < 95 ? kAttribute : kResource, f.batch.copy(name), i));
  }
  f.append(values);
  const std::string text = f.text();
  CHECK(text.find(" n0=90i") != text.npos);           // replaced
  CHECK(text.find(" n5=5i") != text.npos);            // kept, because
  CHECK(text.find(" resource.n5=95i") != text.npos);  // the other one is renamed
}

TEST_CASE("records: odd names are replaced", "[net]") {
  RecordFixture f;
  const std::string long_name(kNameBytesMax + 1, 'n');
  f.append({text_value(kAttribute, "", "e")});
  CHECK(f.text() == "logs @5 _empty='e'");
  CHECK(f.oddity() == "an empty key is called `_empty`");
  RecordFixture g;
  g.append({text_value(kAttribute, long_name, "x")});
  CHECK(g.oddity().starts_with("a key of 257 bytes is stored as `nnn"));
  REQUIRE(g.batch.measurements()[0].lanes().size() == 1);
  CHECK(g.batch.measurements()[0].lanes()[0].name.size() == kNameBytesMax);
}

TEST_CASE("records: a record beyond a limit is rejected, the others are stored", "[net]") {
  RecordFixture f;
  const std::string long_text(kStringBytesMax + 1, 'x');
  f.append({text_value(kRecord, "message", long_text)});
  f.append({text_value(kRecord, "message", std::string_view(long_text).substr(1))});
  Values values(kRecordValuesMax + 1, i64_value(kAttribute, "n", 1));
  f.append(values);
  CHECK(f.batch.row_count() == 1);
  CHECK(f.rows.numbers() == std::vector<uint32_t>{2});
  REQUIRE(f.errors.size() == 2);
  CHECK(f.errors[0].line == 1);
  CHECK(f.errors[0].reason == "string of 1048577 bytes in `message`, at most 1048576 are possible");
  CHECK(f.errors[1].line == 3);
  CHECK(f.errors[1].reason == "10001 values in one record, at most 10000 are possible");
}

TEST_CASE("records: a body that stands for too many values or names is refused", "[net]") {
  RecordFixture f;
  Values values;
  for (size_t i = 0; i < kRecordValuesMax; ++i)
    values.push_back(i64_value(kResource, f.rows.keep_name(fmt::format("n{}", i)), 1));
  while (f.rows.status()) f.append(values);
  CHECK(f.rows.status().error().code == ErrorCode::kLimit);
  CHECK(f.batch.row_count() <= kBodyValuesMax / kRecordValuesMax);
  RecordFixture g;
  for (size_t i = 0; g.rows.status() && i < 2 * kBodyNamesMax; ++i)
    g.append({i64_value(kAttribute, g.batch.copy(fmt::format("n{}", i)), 1)});
  CHECK(g.rows.status().error().message ==
        "the records of the body have more than 100000 names; send them in parts");
}

TEST_CASE("records: the line of a refused row is read back with the same types", "[net]") {
  RecordFixture f;
  f.rows.append(
      1'700'000'000'000'000'001,
      *std::make_unique<Values>(
          Values{text_value(kRecord, "message", "a \"b\"\n\x01"),
                 tag_value(kResource, "service", "pay"), i64_value(kAttribute, "i", -5),
                 u64_value(kAttribute, "u", UINT64_MAX), f64_value(kAttribute, "f", 5.0),
                 f64_value(kAttribute, "g", 1e300), bool_value(kAttribute, "b", true),
                 text_value(kAttribute, "a.b", "x"), text_value(kAttribute, "status", "field")}));
  const std::string line = row_as_line(f.batch.measurements()[0], 0);
  Batch again(ConflictPolicy::kKeepInRest);
  const Status parsed = parse_line_again(record_origin(f.options), again.keep(line), 7, again);
  REQUIRE(parsed);
  CHECK(batch_text(again) == f.text());
}

TEST_CASE("records: a rejected record stays rejected while its time is not one", "[net]") {
  RecordFixture f;
  f.rows.reject("bad", "soon", {text_value(kRecord, "message", "m")});
  REQUIRE(f.errors.size() == 1);
  Batch again;
  const Status parsed = parse_line_again(record_origin(f.options), f.errors[0].text, 7, again);
  CHECK(!parsed);
}

}  // namespace
}  // namespace tocsin
