#include <catch2/catch.hpp>

#include "tools/detection/figures.h"
#include "tools/detection/report.h"

namespace tocsin::detection {
namespace {

using generate::Duty;
using generate::Label;

constexpr Timestamp kFrom = 20'000 * kDay;
constexpr TimeRange kTenDays{kFrom, kFrom + 10 * kDay};

Label incident(const std::string& kind, const std::string& service, int hour,
               Duty duty = Duty::kRequired) {
  Label out;
  out.kind = kind;
  out.service = service;
  out.range = {kFrom + hour * kHour, kFrom + (hour + 1) * kHour};
  out.duty = duty;
  return out;
}

Firing alert(const std::string& type, const std::string& service, int hour, int minute) {
  Firing out;
  out.type = type;
  out.service = service;
  out.range = {kFrom + hour * kHour + minute * kMinute, kFrom + (hour + 1) * kHour};
  out.window_start = out.range.start - 5 * kMinute;
  out.told = out.range.start;
  return out;
}

bool near(double value, double expected) { return value == Approx(expected).margin(0.0005); }

}  // namespace

TEST_CASE("figures: Wilson's interval", "[detection]") {
  // Compared with R: prop.test(x, n, correct = FALSE).
  CHECK(near(wilson({8, 10}).low, 0.4902));
  CHECK(near(wilson({8, 10}).high, 0.9433));
  CHECK(near(wilson({0, 10}).low, 0));
  CHECK(near(wilson({0, 10}).high, 0.2775));
  CHECK(near(wilson({10, 10}).low, 0.7225));
  CHECK(near(wilson({10, 10}).high, 1));
  CHECK(wilson({0, 0}).low == 0);
  CHECK(wilson({0, 0}).high == 1);
}

TEST_CASE("figures: recall, precision, delay, alerts per incident", "[detection]") {
  const Judgement judgement = judge(
      {incident("SLOW", "cart", 1), incident("SLOW", "cart", 5), incident("SLOW", "cart", 9),
       incident("SLOW", "cart", 13, Duty::kWeak), incident("SILENT", "cart", 17)},
      {alert("SLOW", "cart", 1, 10), alert("SLOW", "cart", 1, 30), alert("SLOW", "cart", 5, 20),
       alert("SLOW", "cart", 17, 10), alert("SLOW", "login", 20, 0)},
      kTenDays);
  const Figures figures = figures_of(judgement, kTenDays, 2);
  const KindFigures& slow = figures.kinds.at("SLOW");
  CHECK(slow.label_count == 4);
  CHECK(slow.weak_count == 1);
  CHECK(slow.recall().hits == 2);
  CHECK(slow.recall().total == 3);
  CHECK(slow.right == 3);
  CHECK(slow.part == 1);
  CHECK(slow.wrong == 1);
  CHECK(slow.precision().hits == 4);
  CHECK(slow.precision().total == 5);
  CHECK(slow.alerts_per_incident() == 1.5);
  CHECK(slow.delay(0.5) == 10 * kMinute);
  CHECK(slow.delay(0.95) == 20 * kMinute);
  const KindFigures& silent = figures.kinds.at("SILENT");
  CHECK(silent.found == 0);
  CHECK(silent.noticed == 1);
  CHECK(figures.days == 10);
  CHECK(figures.service_days == 20);
  CHECK(figures.all().alerts_per_incident() == Approx(4.0 / 3));
}

TEST_CASE("figures: the two labels of a release are one incident", "[detection]") {
  const Judgement judgement =
      judge({incident("NEW_PATTERN", "cart", 1), incident("PATTERN_GONE", "cart", 1)},
            {alert("NEW_PATTERN", "cart", 1, 10), alert("PATTERN_GONE", "cart", 1, 10)}, kTenDays);
  CHECK(figures_of(judgement, kTenDays, 1).all().alerts_per_incident() == 2);
}

TEST_CASE("figures: goals are checked by kind and for all", "[detection]") {
  const auto line = [](std::vector<Label> labels, std::vector<Firing> firings, bool clean) {
    return goals_line(
        figures_of(judge(std::move(labels), std::move(firings), kTenDays), kTenDays, 2), clean);
  };
  CHECK(line({incident("SLOW", "cart", 1)}, {alert("SLOW", "cart", 1, 10)}, false) == "pass");
  CHECK(line({incident("SLOW", "cart", 1)}, {}, false) == "FAIL: recall SLOW 0.000");
  // A false alert in 20 service days is few, and so is one in ten days; two are too many.
  CHECK(line({}, {alert("SLOW", "cart", 1, 10)}, true) == "pass");
  CHECK(line({}, {alert("SLOW", "cart", 1, 10), alert("SLOW", "cart", 9, 10)}, true) ==
        "FAIL: false per service and day 0.10, false per day 0.20");
  CHECK(line({}, {alert("SLOW", "cart", 1, 10)}, false) == "FAIL: precision 0.000");
}

TEST_CASE("figures: sums over worlds", "[detection]") {
  const Figures one = figures_of(
      judge({incident("SLOW", "cart", 1)}, {alert("SLOW", "cart", 1, 10)}, kTenDays), kTenDays, 2);
  Figures both = one;
  both.add(one);
  CHECK(both.days == 20);
  CHECK(both.service_days == 40);
  CHECK(both.all().found == 2);
  CHECK(both.all().delays.size() == 2);
}

TEST_CASE("figures: explanations of the first alerts about incidents that count", "[detection]") {
  std::vector<Label> labels = {incident("LOG_VOLUME_ANOMALY", "cart", 1),
                               incident("LOG_VOLUME_ANOMALY", "cart", 5),
                               incident("LOG_VOLUME_ANOMALY", "cart", 9),
                               incident("LOG_VOLUME_ANOMALY", "cart", 13, Duty::kOptional)};
  labels[0].cause = labels[3].cause = "host=a";
  std::vector<Firing> alerts = {
      alert("LOG_VOLUME_ANOMALY", "cart", 1, 10), alert("LOG_VOLUME_ANOMALY", "cart", 1, 40),
      alert("LOG_VOLUME_ANOMALY", "cart", 5, 20), alert("LOG_VOLUME_ANOMALY", "cart", 13, 20)};
  alerts[0].explanation = "9 % of events have host=a (usually 1 %)";
  alerts[2].explanation = "9 % of events have host=b (usually 1 %)";
  Figures figures = figures_of(judge(labels, alerts, kTenDays), kTenDays, 1);
  figures.add(Figures(figures));
  const KindFigures all = figures.all();
  CHECK(all.named.hits == 2);
  CHECK(all.named.total == 2);
  CHECK(all.unnamed.hits == 0);
  CHECK(all.unnamed.total == 2);
  CHECK(figures_table(figures).find(
            "explanations: 2 of 2 name the cause first; 0 of 2 without a cause name nothing") !=
        std::string::npos);
}

}  // namespace tocsin::detection
