// The twelve services of a web shop, and their traffic over time.
#include "tools/generate/services.h"

#include <cmath>
#include <numbers>

#include "tools/generate/random.h"

namespace tocsin::generate {
namespace {

constexpr double kDayAmplitude = 0.5;  // 1.5 at the peak, 0.5 at night
constexpr double kPeakHour = 14;
constexpr double kWeekendFactor = 0.6;
constexpr double kWeekMean = (5 + 2 * kWeekendFactor) / 7;

constexpr double kDayDeviation = 0.04;  // standard deviation of the logarithm
constexpr double kQuarterDeviation = 0.05;
constexpr double kBurstChance = 0.12;  // per service and hour
constexpr double kBurstSecondsMin = 15, kBurstSecondsMax = 75;
constexpr double kBurstFactorMin = 1.8, kBurstFactorMax = 3.0;

std::vector<ServiceProfile> make_services() {
  return {
      {"gateway",
       0.18,
       45,
       0.45,
       0.020,
       4,
       {{"route", "request.route", 0.5, 1.0},
        {"auth", "request.authorize", 0.3, 0.8},
        {"rate_limit", "request.limit", 0.2, 0.5}}},
      {"orders",
       0.14,
       180,
       0.50,
       0.022,
       4,
       {{"create_order", "order.create", 0.4, 1.3},
        {"get_order", "order.read", 0.4, 0.6},
        {"cancel_order", "order.cancel", 0.2, 1.0}}},
      {"payment",
       0.12,
       420,
       0.50,
       0.028,
       3,
       {{"authorize", "card.authorize", 0.5, 1.0},
        {"capture", "card.capture", 0.35, 1.2},
        {"refund", "card.refund", 0.15, 1.5}}},
      {"catalog",
       0.12,
       70,
       0.45,
       0.020,
       3,
       {{"list_items", "item.list", 0.6, 1.2}, {"get_item", "item.read", 0.4, 0.7}}},
      {"search",
       0.10,
       130,
       0.55,
       0.021,
       3,
       {{"query", "search.query", 0.6, 1.1}, {"suggest", "search.suggest", 0.4, 0.5}}},
      {"login",
       0.09,
       110,
       0.45,
       0.030,
       3,
       {{"sign_in", "user.sign_in", 0.5, 1.1},
        {"refresh", "token.refresh", 0.3, 0.5},
        {"sign_out", "user.sign_out", 0.2, 0.6}}},
      {"cart",
       0.08,
       60,
       0.45,
       0.020,
       3,
       {{"add_item", "cart.add", 0.6, 1.0}, {"checkout", "cart.checkout", 0.4, 1.8}}},
      {"shipping",
       0.05,
       350,
       0.50,
       0.026,
       2,
       {{"quote", "shipment.quote", 0.5, 0.8}, {"book", "shipment.book", 0.5, 1.4}}},
      {"invoice",
       0.04,
       600,
       0.50,
       0.024,
       2,
       {{"render", "invoice.render", 0.6, 1.2}, {"send", "invoice.send", 0.4, 0.8}}},
      {"notification",
       0.035,
       240,
       0.50,
       0.027,
       2,
       {{"email", "message.email", 0.6, 1.2}, {"push", "message.push", 0.4, 0.6}}},
      {"reporting",
       0.025,
       900,
       0.50,
       0.025,
       2,
       {{"report", "report.build", 0.5, 1.4}, {"export", "report.export", 0.5, 1.0}}},
      {"backoffice",
       0.02,
       300,
       0.50,
       0.025,
       2,
       {{"adjust", "stock.adjust", 0.5, 1.0}, {"audit", "stock.audit", 0.5, 1.1}}},
  };
}

/// A lognormal factor with median 1 that depends only on the arguments.
double random_factor(uint64_t seed, uint64_t purpose, uint64_t index, double deviation) {
  Random random(seed, purpose, index);
  return std::exp(deviation * random.normal());
}

double burst_at(uint64_t seed, size_t service, Timestamp t) {
  const auto hour = static_cast<uint64_t>(t / kHour);
  Random random(seed, 'B' + (service << 8), hour);
  if (!random.chance(kBurstChance)) return 1;
  const double start = random.uniform(0, 3600 - kBurstSecondsMax);
  const double length = random.uniform(kBurstSecondsMin, kBurstSecondsMax);
  const double factor = random.uniform(kBurstFactorMin, kBurstFactorMax);
  const double second = static_cast<double>(t % kHour) / static_cast<double>(kSecond);
  return start <= second && second < start + length ? factor : 1;
}

}  // namespace

std::span<const ServiceProfile> services() {
  static const std::vector<ServiceProfile> kServices = make_services();
  return kServices;
}

size_t find_service(std::string_view name) {
  size_t index = 0;
  while (index < services().size() && services()[index].name != name) ++index;
  return index;
}

double weekly_rhythm(Timestamp t) {
  const double hour = static_cast<double>(t % kDay) / static_cast<double>(kHour);
  const double day = 1 + kDayAmplitude * std::cos(2 * std::numbers::pi * (hour - kPeakHour) / 24);
  const int64_t weekday = (t / kDay + 3) % 7;  // 0 is Monday: 1970-01-01 was a Thursday
  return day * (weekday >= 5 ? kWeekendFactor : 1) / kWeekMean;
}

double traffic_at(uint64_t seed, size_t service, Timestamp t) {
  const uint64_t purpose = service << 8;
  return weekly_rhythm(t) *
         random_factor(seed, 'D' + purpose, static_cast<uint64_t>(t / kDay), kDayDeviation) *
         random_factor(seed, 'Q' + purpose, static_cast<uint64_t>(t / (15 * kMinute)),
                       kQuarterDeviation) *
         burst_at(seed, service, t);
}

}  // namespace tocsin::generate
