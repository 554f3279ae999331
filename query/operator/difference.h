// Whether a value is more frequent among some rows than among others, beyond chance.
#pragma once

#include <cstdint>
#include <optional>

namespace tocsin {

/// Fewer rows say nothing: of a column on either side, and of a value in the target.
inline constexpr uint64_t kComparedRowsMin = 5;
/// A value explains something only if at least this share of the target's rows has it.
inline constexpr double kComparedShareMin = 0.02;
inline constexpr double kComparedRatioMin = 1.5;
/// The most probable that a reported difference may be by chance, among all values compared.
inline constexpr double kComparedChanceMax = 0.01;
/// A column of which more values than this share are different identifies rows, unless it has only
/// kDistinctRowsMin rows.
inline constexpr double kDistinctShareMax = 0.9;
inline constexpr uint64_t kDistinctRowsMin = 20;

/// How often one value of a column occurs in the target and in the reference, out of the rows there
/// that have any value in the column.
struct ValueCounts {
  uint64_t target = 0;
  uint64_t target_total = 0;
  uint64_t reference = 0;
  uint64_t reference_total = 0;
};

struct Difference {
  double target_share = 0;
  double reference_share = 0;
  /// Of the shares. Half a row is added to the reference, so that it is finite.
  double ratio = 0;
  double score = 0;  ///< for the order: (p - q) * log2(p / q) of the shares p and q
  double p = 1;      ///< the probability of such a difference by chance
};

/// The log-likelihood ratio statistic of a table of two rows and two columns (Dunning 1993), which
/// has a chi-squared distribution with one degree of freedom if the shares are equal.
double likelihood_ratio(const ValueCounts& counts);

/// Whether a column with that many rows on each side, and that many different values, is compared
/// at all.
bool is_comparable_column(uint64_t target_total, uint64_t reference_total, uint64_t values);
/// Whether a value that occurs so often could be reported at all. The others are not compared
/// (Tarone 1990), so ids do not hide what is frequent.
bool can_be_reported(const ValueCounts& counts);
/// Whether the value occurs often enough in the target to be compared.
bool is_frequent(const ValueCounts& counts);

/// The difference if the value is over-represented in the target: at least kComparedRatioMin times
/// as frequent as in the reference, and beyond chance. `values_compared` are all values of all
/// columns that can be reported: with more of them, some differ more by chance (Bonferroni).
/// Requires: is_frequent.
std::optional<Difference> over_represented(const ValueCounts& counts, uint64_t values_compared);

}  // namespace tocsin
