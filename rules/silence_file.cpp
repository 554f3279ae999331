// Reads `silences` of rule files.
#include <fmt/format.h>

#include "rules/silence.h"

namespace tocsin {
namespace {

constexpr const char* kTimeExpected = "a time like 2026-11-24T20:00:00Z, or a date";

void read_silence_time(Section& section, const char* key, const TimeZone& zone, Timestamp& out) {
  std::string text;
  const YamlNode* node = section.text(key, text);
  if (!node || node->kind != YamlNode::Kind::kScalar) return;
  const Result<Timestamp> time = parse_time(text, zone);
  if (!time) section.wrong(*node, key, kTimeExpected);
  if (time) out = *time;
}

void read_schedule(Section& section, Problems& problems, Silence& out) {
  std::string text;
  const YamlNode* node = section.text("schedule", text);
  section.duration("for", out.repeat_for, kMinute, kSilenceRepeatMax);
  if (!node) {
    section.require("from");
    return;
  }
  section.require("for");
  Result<CronSchedule> schedule = CronSchedule::parse(text);
  if (schedule) {
    out.schedule = *std::move(schedule);
  } else {
    problems.add(node->position(),
                 fmt::format("{}: {}", section.path_of("schedule"), schedule.error().message));
  }
}

Silence read_silence(const YamlNode& node, const std::string& path, const TimeZone& zone,
                     Problems& problems) {
  Silence out;
  Section section(node, path, problems);
  std::string name, zone_name;
  section.require("name");
  const YamlNode* name_node = section.text("name", name);
  if (name_node && (name.empty() || name.size() > 200 || name.find('/') != name.npos)) {
    section.wrong(*name_node, "name", "a name of at most 200 bytes without `/`");
  }
  out.id = kFileSilencePrefix + name;
  out.zone = zone;
  if (const YamlNode* zone_node = section.text("zone", zone_name)) {
    Result<TimeZone> loaded = TimeZone::load(zone_name);
    if (loaded)
      out.zone = *std::move(loaded);
    else
      section.wrong(*zone_node, "zone", "an IANA time zone name like Europe/Berlin");
  }
  read_matchers(section, "matchers", true, problems, out.matchers);
  read_silence_time(section, "from", out.zone, out.from);
  section.require("until");
  read_silence_time(section, "until", out.zone, out.until);
  read_schedule(section, problems, out);
  section.text("owner", out.owner);
  section.text("comment", out.comment);
  section.finish();
  return out;
}

}  // namespace

std::vector<Silence> read_silences(Section& top, const std::string& file, const TimeZone& zone,
                                   Problems& problems) {
  std::vector<Silence> out;
  top.each("silences", [&](const YamlNode& node, const std::string& path) {
    const size_t problems_before = problems.lines().size();
    Silence silence = read_silence(node, path, zone, problems);
    silence.file = file;
    if (problems.lines().size() != problems_before) return;
    const Status checked = check_silence(silence);
    if (checked)
      out.push_back(std::move(silence));
    else
      problems.add(node.position(), fmt::format("{}: {}", path, checked.error().message));
  });
  return out;
}

}  // namespace tocsin
