// stddev, variance and slope, from moments that are updated and merged without cancellation.
//
// Source: Chan, Golub & LeVeque 1979, "Updating formulae and a pairwise algorithm for computing
// sample variances", equations 1.5a and 2.1b; for co-moments Pebay 2008, SAND2008-6212, section 3.
#include <cmath>
#include <limits>

#include "query/aggregate/aggregate.h"
#include "query/vector/function_kernels.h"

namespace tocsin {
namespace {

struct Moments {
  double count = 0;
  double mean = 0;
  double m2 = 0;  // sum of squared differences from the mean

  void add(double x) {
    count += 1;
    const double delta = x - mean;
    mean += delta / count;
    m2 += delta * (x - mean);
  }

  void merge(const Moments& other) {
    if (other.count == 0) return;
    const double total = count + other.count;
    const double delta = other.mean - mean;
    m2 += other.m2 + delta * delta * (count * other.count / total);
    mean += delta * (other.count / total);
    count = total;
  }

  double variance() const {
    return count < 2 ? std::numeric_limits<double>::quiet_NaN() : m2 / (count - 1);
  }
};

class MomentsAccumulator final : public Accumulator {
 public:
  explicit MomentsAccumulator(bool root) : root_(root) {}

  void resize(size_t group_count) override { groups_.resize(group_count); }

  void update(const AggregateInput& input) override {
    const auto values = as_f64(*input.argument, input.argument->size, buffer_);
    for (size_t i = 0; i < input.rows.size(); ++i) {
      const uint32_t row = input.rows[i];
      if (!input.argument->is_null(row)) groups_[input.groups[i]].add(values[row]);
    }
  }

  void merge(Accumulator& other, std::span<const uint32_t> map) override {
    const auto& from = dynamic_cast<MomentsAccumulator&>(other).groups_;
    for (size_t i = 0; i < from.size(); ++i) groups_[map[i]].merge(from[i]);
  }

  Status finish(std::span<TableColumn* const> outputs, StringArena&) override {
    for (const Moments& group : groups_) {
      const double variance = group.variance();
      append_number(root_ ? std::sqrt(variance) : variance, *outputs.front());
    }
    return {};
  }

  size_t memory_bytes() const override { return groups_.capacity() * sizeof(Moments); }

 private:
  bool root_;
  std::vector<Moments> groups_;
  std::vector<double> buffer_;
};

/// The least-squares slope of x over time in seconds.
class SlopeAccumulator final : public Accumulator {
 public:
  void resize(size_t group_count) override { groups_.resize(group_count); }

  void update(const AggregateInput& input) override {
    const auto values = as_f64(*input.argument, input.argument->size, buffer_);
    for (size_t i = 0; i < input.rows.size(); ++i) {
      const uint32_t row = input.rows[i];
      if (input.argument->is_null(row) || input.time->is_null(row)) continue;
      groups_[input.groups[i]].add(input.time->i64[row], values[row]);
    }
  }

  void merge(Accumulator& other, std::span<const uint32_t> map) override {
    const auto& from = dynamic_cast<SlopeAccumulator&>(other).groups_;
    for (size_t i = 0; i < from.size(); ++i) groups_[map[i]].merge(from[i]);
  }

  Status finish(std::span<TableColumn* const> outputs, StringArena&) override {
    for (const Group& group : groups_) {
      const double slope = group.t2 > 0 ? group.c / group.t2 : std::nan("");
      append_number(slope, *outputs.front());
    }
    return {};
  }

  size_t memory_bytes() const override { return groups_.capacity() * sizeof(Group); }

 private:
  // Times are relative to the group's first row: as seconds since 1970, doubles would lose
  // nanoseconds.
  struct Group {
    Timestamp origin = 0;
    double count = 0;
    double mean_t = 0;
    double mean_x = 0;
    double t2 = 0;  // sum of squared differences of t
    double c = 0;   // sum of products of differences

    static double seconds(Timestamp from, Timestamp to) {
      const auto wide = static_cast<long double>(to) - static_cast<long double>(from);
      return static_cast<double>(wide / kSecond);
    }

    void add(Timestamp time, double x) {
      if (count == 0) origin = time;
      const double t = seconds(origin, time);
      count += 1;
      const double delta_t = t - mean_t;
      mean_t += delta_t / count;
      mean_x += (x - mean_x) / count;
      t2 += delta_t * (t - mean_t);
      c += delta_t * (x - mean_x);
    }

    void merge(const Group& other) {
      if (other.count == 0) return;
      if (count == 0) {
        *this = other;
        return;
      }
      const double total = count + other.count;
      const double delta_t = other.mean_t + seconds(origin, other.origin) - mean_t;
      const double delta_x = other.mean_x - mean_x;
      const double weight = count * other.count / total;
      t2 += other.t2 + delta_t * delta_t * weight;
      c += other.c + delta_t * delta_x * weight;
      mean_t += delta_t * (other.count / total);
      mean_x += delta_x * (other.count / total);
      count = total;
    }
  };

  std::vector<Group> groups_;
  std::vector<double> buffer_;
};

}  // namespace

std::unique_ptr<Accumulator> make_moments(const Aggregate& aggregate) {
  return std::make_unique<MomentsAccumulator>(aggregate.kind == AggregateKind::kStddev);
}

std::unique_ptr<Accumulator> make_slope(const Aggregate&) {
  return std::make_unique<SlopeAccumulator>();
}

double mean_of(std::span<const double> values) {
  Moments moments;
  for (const double value : values) moments.add(value);
  return values.empty() ? std::nan("") : moments.mean;
}

double stddev_of(std::span<const double> values) {
  Moments moments;
  for (const double value : values) moments.add(value);
  return std::sqrt(moments.variance());
}

}  // namespace tocsin
