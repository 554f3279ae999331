// Deployments, releases, services that come, go and change their names.
#include "tools/generate/worlds/topics.h"

namespace tocsin::generate {
namespace {

constexpr size_t kReleaseMessages = 32;  // a message returns after this many releases
constexpr size_t kWarnings = 16, kErrors = 8;
constexpr int kNamesPerService = 24;

std::vector<IncidentShape> release_incidents() {
  return {{.kind = IncidentKind::kNewPattern, .minutes = {60, 480}, .strength = {0.02, 0.2}},
          {.kind = IncidentKind::kFailureRateSpike,
           .minutes = {45, 240},
           .strength = {8, 30},
           .where = IncidentShape::Where::kCanary},
          {.kind = IncidentKind::kDegradation,
           .minutes = {90, 240},
           .strength = {2, 4},
           .where = IncidentShape::Where::kCanary},
          {.kind = IncidentKind::kMissingHeartbeat, .minutes = {15, 120}}};
}

}  // namespace

void add_deployments(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    Course course;
    course.service = builder.add(builder.draw_service());
    course.slot = builder.draw_time(4 * kDay, 9 * kDay);
    course.when = Course::When::kPermanent;
    course.shapes = {{.kind = IncidentKind::kDegradation, .strength = {1.3, 2.2}},
                     {.kind = IncidentKind::kLogVolume, .strength = {1.6, 3}},
                     {.kind = IncidentKind::kFailureRateSpike, .strength = {3, 8}}};
    builder.add(std::move(course));
  }
}

void add_releases(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    std::vector<uint16_t> messages = builder.add_wordings(kWarnings, "WARN");
    for (uint16_t error : builder.add_wordings(kErrors, "ERROR"))
      messages.insert(
          messages.begin() + static_cast<std::ptrdiff_t>(builder.random().below(messages.size())),
          error);
    Course course;
    course.slot = builder.draw_time(3 * kDay, 8 * kDay);
    course.when = Course::When::kRelease;
    course.shapes = {{.kind = IncidentKind::kNewPattern, .strength = {0.01, 0.2}}};
    course.messages = builder.add_wordings(kReleaseMessages, "INFO");
    course.service = builder.add(builder.draw_service(), release_incidents(), std::move(messages));
    builder.add(std::move(course));
  }
}

void add_renames(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    const Service pattern = builder.draw_service();
    const bool is_retired = i % 3 == 1, is_new = i % 3 == 2;
    const int names = is_retired ? 1 : kNamesPerService;
    // In whole minutes, as labels are.
    Timestamp start = builder.birth() - builder.birth() % kMinute;
    if (is_new) start += builder.draw_time(3 * kDay, 30 * kDay);
    for (int j = 0; j < names; ++j) {
      Service service = pattern;
      if (j > 0) service.profile.name = builder.draw_name();
      service.life = {start, start + builder.draw_time(6 * kDay, 30 * kDay)};
      service.end_cause = is_retired ? "retired" : "renamed";
      start = service.life.end;
      if (j + 1 == kNamesPerService) service.life.end = kTimeMax;
      builder.add(std::move(service), {});
    }
  }
}

}  // namespace tocsin::generate
