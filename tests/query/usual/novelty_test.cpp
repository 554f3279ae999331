#include "query/usual/novelty.h"

#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "query/usual/chance.h"

using namespace tocsin;

namespace {

constexpr Duration kNoveltyStep = 15 * kMinute;
constexpr size_t kWindowsPerHour = 4, kWindowsPerDay = 96, kBlockWindows = 24;

/// By group: its whole, and its counts by window, oldest first.
struct NoveltyGroup {
  uint32_t whole = 0;
  std::vector<double> counts;
};

std::vector<double> counts_of(size_t windows, const std::function<double(size_t left)>& count) {
  std::vector<double> out;
  for (size_t left = windows; left > 0; --left) out.push_back(count(left));
  return out;
}

std::vector<Novelty> judged(const std::vector<NoveltyGroup>& groups, Duration step = kNoveltyStep) {
  std::vector<uint32_t> wholes;
  for (const NoveltyGroup& group : groups) wholes.push_back(group.whole);
  const size_t windows = groups.front().counts.size();
  NoveltyJudge judge(windows, step, wholes);
  for (size_t window = 0; window < windows; ++window) {
    for (uint32_t group = 0; group < groups.size(); ++group)
      judge.add(group, groups[group].counts[window]);
    judge.end_window();
  }
  std::vector<Novelty> out;
  for (uint32_t group = 0; group < groups.size(); ++group) out.push_back(judge.judge(group));
  return out;
}

/// A steady group, and this one.
Novelty beside_steady(size_t days, const std::function<double(size_t left)>& count,
                      double steady = 100) {
  const size_t windows = days * kWindowsPerDay;
  return judged(
      {{0, counts_of(windows, [&](size_t) { return steady; })}, {0, counts_of(windows, count)}})[1];
}

double sum(const std::vector<double>& counts, size_t begin, size_t end) {
  double out = 0;
  for (size_t i = begin; i < end; ++i) out += counts[i];
  return out;
}

/// The same answers, computed plainly from all counts.
Novelty plain_novelty(const std::vector<NoveltyGroup>& groups, size_t which) {
  const NoveltyGroup& group = groups[which];
  const size_t windows = group.counts.size(), recent = windows - kBlockWindows;
  std::vector<double> whole(windows);
  for (const NoveltyGroup& other : groups) {
    for (size_t i = 0; i < windows && other.whole == group.whole; ++i) whole[i] += other.counts[i];
  }
  const auto first_of = [](const std::vector<double>& counts) {
    size_t i = 0;
    while (i < counts.size() && counts[i] == 0) ++i;
    return i;
  };
  Novelty out;
  const size_t first = first_of(group.counts), whole_first = first_of(whole);
  if (first < windows) out.first_window = static_cast<uint32_t>(first);
  const double hits = sum(group.counts, recent, windows), trials = sum(whole, recent, windows);
  const double before = sum(group.counts, 0, recent), whole_before = sum(whole, 0, recent);
  out.share = hits / trials;
  size_t days = 0, with_new = 0;
  for (size_t end = recent; end >= whole_first + 2 * kWindowsPerDay; end -= kWindowsPerDay) {
    ++days;
    bool found = false;
    for (const NoveltyGroup& other : groups) {
      const size_t born = first_of(other.counts);
      found = found || (other.whole == group.whole && born < end && born + kWindowsPerDay >= end &&
                        sum(other.counts, born, std::min(born + kBlockWindows, windows)) >= 3);
    }
    with_new += found;
  }
  out.usual_new = (static_cast<double>(with_new) + 1) / (static_cast<double>(days) + 2);
  if (whole_before == 0 || windows - whole_first < kWindowsPerDay) {
    out.before_share = std::nan("");
    return out;
  }
  out.before_share = before / whole_before;
  if (trials == 0) return out;
  if (before == 0) {
    if (hits >= 3 && hits / trials >= 0.001) out.kind = NoveltyKind::kNew;
    return out;
  }
  // By block from the newest on; the oldest may be short.
  double highest = -1, lowest = 2;
  ShareModel high, low;
  size_t blocks = 0;
  for (size_t end = recent; end > first;
       end = end > kBlockWindows ? end - kBlockWindows : 0, ++blocks) {
    const size_t begin = end > kBlockWindows ? end - kBlockWindows : 0;
    const ShareModel part{sum(group.counts, begin, end), sum(whole, begin, end)};
    if (part.trials == 0) continue;
    const double share = part.hits / part.trials;
    if (share >= highest) {
      highest = share;
      high = part;
    }
    if (begin > first && share <= lowest) {
      lowest = share;
      low = part;
    }
  }
  if (blocks < 4) return out;
  const bool fewer = surprise_of_low_share(low, hits, trials) >= 6;
  const bool more = surprise_of_high_share(high, hits, trials) >= 6;
  if (hits == 0 && out.before_share >= 0.01 && fewer) out.kind = NoveltyKind::kGone;
  if (hits > 0 && 3 * out.share <= out.before_share && fewer) out.kind = NoveltyKind::kShifted;
  if (out.share >= 3 * out.before_share && more) out.kind = NoveltyKind::kShifted;
  return out;
}

}  // namespace

TEST_CASE("novelty: what appears repeatedly for the first time is new, for six hours", "[query]") {
  const auto from = [](size_t left_first, double each) {
    return beside_steady(14, [&](size_t left) { return left <= left_first ? each : 0; });
  };
  CHECK(from(1, 2).kind == NoveltyKind::kNone);  // not repeatedly
  CHECK(from(1, 3).kind == NoveltyKind::kNew);
  CHECK(from(2, 2).kind == NoveltyKind::kNew);
  CHECK(from(24, 2).kind == NoveltyKind::kNew);
  CHECK(from(25, 2).kind == NoveltyKind::kNone);
  CHECK(from(1, 3).first_window == 14 * kWindowsPerDay - 1);
  CHECK(from(1, 3).before_share == 0);
  CHECK(from(1, 3).share == Approx(3.0 / 2'403));
  CHECK(beside_steady(
            14, [](size_t left) { return left == 1 ? 3 : 0; }, 1'000)
            .kind == NoveltyKind::kNone);  // hardly any of all events
}

TEST_CASE("novelty: what was seen once within the baseline is not new", "[query]") {
  CHECK(beside_steady(14, [](size_t left) {
          return left == 13 * kWindowsPerDay || left == 1 ? 5 : 0;
        }).kind != NoveltyKind::kNew);
}

TEST_CASE("novelty: nothing is known on the first day of a whole", "[query]") {
  for (const size_t hours : {6, 23, 24, 25}) {
    INFO(hours << " hours");
    const size_t begin = hours * kWindowsPerHour;
    const std::vector<Novelty> all =
        judged({{0, counts_of(960, [&](size_t left) { return left <= begin ? 50 : 0; })},
                {0, counts_of(960, [&](size_t left) { return left <= 2 ? 5 : 0; })},
                {1, counts_of(960, [](size_t) { return 50; })}});
    CHECK(std::isnan(all[1].before_share) == (hours < 24));
    CHECK(all[1].kind == (hours < 24 ? NoveltyKind::kNone : NoveltyKind::kNew));
    CHECK(all[0].kind == NoveltyKind::kNone);
  }
}

TEST_CASE("novelty: what made a share of the whole and stopped is gone", "[query]") {
  const auto steady_until = [](double each, size_t left_end) {
    return beside_steady(14, [&](size_t left) { return left > left_end ? each : 0; }).kind;
  };
  CHECK(steady_until(5, 24) == NoveltyKind::kGone);
  CHECK(steady_until(5, 12) == NoveltyKind::kNone);
  CHECK(steady_until(5, 18) == NoveltyKind::kShifted);  // three quarters of the block
  CHECK(steady_until(5, 0) == NoveltyKind::kNone);
  CHECK(steady_until(0.5, 24) == NoveltyKind::kNone);  // less than 1 %
  // It comes once a night, and the range ends at noon.
  CHECK(beside_steady(14, [](size_t left) {
          return left / kWindowsPerHour % 24 == 12 ? 200 : 0;
        }).kind == NoveltyKind::kNone);
  // A silent whole says nothing about its parts.
  CHECK(judged({{0, counts_of(960, [](size_t left) { return left > 24 ? 50 : 0; })},
                {0, counts_of(960, [](size_t left) { return left > 24 ? 50 : 0; })}})[0]
            .kind == NoveltyKind::kNone);
}

TEST_CASE("novelty: a share far from all shares before is shifted", "[query]") {
  const auto at_the_end = [](double before, double now) {
    return beside_steady(14, [&](size_t left) { return left > 24 ? before : now; }).kind;
  };
  CHECK(at_the_end(5, 50) == NoveltyKind::kShifted);
  CHECK(at_the_end(50, 5) == NoveltyKind::kShifted);
  CHECK(at_the_end(5, 11) == NoveltyKind::kNone);
  // As high as now on each third day.
  CHECK(beside_steady(14, [](size_t left) {
          return (left - 1) / kWindowsPerDay % 3 == 0 ? 50 : 2;
        }).kind == NoveltyKind::kNone);
}

TEST_CASE("novelty: knows on how many days something new is usual", "[query]") {
  const size_t windows = 10 * kWindowsPerDay;
  std::vector<NoveltyGroup> groups = {{0, counts_of(windows, [](size_t) { return 50; })}};
  CHECK(judged(groups)[0].usual_new == Approx(1.0 / 10));  // 9 days less the first, plus 2
  for (size_t day = 0; day < 10; ++day) {
    groups.push_back({0, counts_of(windows, [&](size_t left) {
                        return left == day * kWindowsPerDay + 40 ? 5 : 0;
                      })});
  }
  CHECK(judged(groups)[0].usual_new == Approx(9.0 / 10));
  for (NoveltyGroup& group : groups) group.counts.assign(windows, 0);
  groups[0].counts.assign(windows, 50);
  CHECK(judged(groups)[0].usual_new == Approx(1.0 / 10));
  CHECK_FALSE(judged(groups)[1].first_window);
}

TEST_CASE("novelty: equals plainly computed answers for random counts", "[query]") {
  std::mt19937 random(7);
  size_t kinds[4] = {};
  for (int round = 0; round < 300; ++round) {
    const size_t windows = 60 + random() % (6 * kWindowsPerDay);
    std::vector<NoveltyGroup> groups;
    const uint32_t wholes = 1 + random() % 3;
    for (uint32_t i = 0; i < 12; ++i) {
      const double rate = std::pow(10.0, static_cast<double>(random() % 4) - 1);
      const size_t begin = random() % 3 ? windows : 1 + random() % windows;
      const size_t end = random() % 4 ? 0 : random() % windows;
      const double late = random() % 3 ? 1 : 10;
      groups.push_back({i % wholes, counts_of(windows, [&](size_t left) -> double {
                          if (left > begin || left <= end) return 0;
                          const double now = left <= kBlockWindows ? rate * late : rate;
                          return std::poisson_distribution<int>(now)(random);
                        })});
    }
    const std::vector<Novelty> all = judged(groups);
    for (size_t i = 0; i < groups.size(); ++i) {
      INFO("round " << round << ", group " << i << " of " << wholes << " wholes");
      const Novelty expected = plain_novelty(groups, i);
      const auto equal = [](double a, double b) {
        return std::isnan(a) ? std::isnan(b) : a == Approx(b);
      };
      CHECK(all[i].kind == expected.kind);
      CHECK(equal(all[i].share, expected.share));
      CHECK(equal(all[i].before_share, expected.before_share));
      CHECK(all[i].first_window == expected.first_window);
      CHECK(equal(all[i].usual_new, expected.usual_new));
      ++kinds[static_cast<size_t>(all[i].kind)];
    }
  }
  for (const size_t count : kinds) CHECK(count > 20);
}

TEST_CASE("novelty: windows longer than six hours are blocks of their own", "[query]") {
  std::vector<NoveltyGroup> groups = {{0, std::vector<double>(30, 100)},
                                      {0, std::vector<double>(30, 0)}};
  groups[1].counts.back() = 5;
  CHECK(judged(groups, kDay)[1].kind == NoveltyKind::kNew);
  groups[1].counts[28] = 5;
  CHECK(judged(groups, kDay)[1].kind == NoveltyKind::kNone);
}
