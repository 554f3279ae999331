// Which alerts are right: matches delivered alerts with the labels of a world.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/base/time.h"
#include "rules/alert.h"
#include "tools/generate/label.h"

namespace tocsin::detection {

/// One firing of one alert instance, from its first notification to its end.
struct Firing {
  std::string rule, type;
  std::string service;  ///< may be empty
  std::string severity, summary;
  /// Its first line, such as `87 % of failures have host=web-3 (usually 8 %)`; empty if nothing is
  /// over-represented; nothing if it was not explained.
  std::optional<std::string> explanation;
  double value = 0, baseline = 0;  ///< NaN if the rule has none
  Timestamp window_start = 0;      ///< of the window that made it fire
  Timestamp told = 0;              ///< when its first notification was made
  TimeRange range;                 ///< from the end of that window to its last one
};

/// The firing that begins with `event`, is told `delay` after its window, and does not end.
Firing firing_of(const AlertEvent& event, Duration delay);

enum class Verdict : uint8_t {
  kRight,  ///< a label of the same kind explains it
  kPart,   ///< an incident of another kind explains it: one more alert of that incident
  kFalse,
};

struct JudgedFiring {
  Firing firing;
  Verdict verdict = Verdict::kFalse;
  size_t label = kNoLabel;  ///< that explains it or, if false, the quiet label that it is in

  static constexpr size_t kNoLabel = SIZE_MAX;
};

struct JudgedLabel {
  generate::Label label;
  bool counts = false;          ///< required, and all of it within the evaluated time
  bool found = false;           ///< an alert of its kind
  bool noticed = false;         ///< an alert of any kind
  Duration delay = 0;           ///< from its start to the first alert of its kind, if found
  std::vector<size_t> firings;  ///< that it explains, by time
};

struct Judgement {
  std::vector<JudgedLabel> labels;    ///< by start
  std::vector<JudgedFiring> firings;  ///< by start
};

/// Whether the explanation of an alert names the label's cause, such as `host=media-3`, first; or,
/// if the label has none, names nothing. Nothing for kinds without events to explain, and for other
/// causes.
std::optional<bool> explains_rightly(const generate::Label& label, const Firing& firing);

/// How long after the end of its cause an event may still be written: the end of a transaction
/// that an incident made fail.
inline constexpr Duration kAftermath = 10 * kMinute;

/// A label explains an alert of its service (or of any, if it names none) that lasts beyond the
/// label's start and whose first window begins before the label's end. Of several labels, one of
/// the alert's kind is chosen first, and then the one that began last. A label is also found if an
/// alert of its kind that an earlier label explains still fires. Optional labels of permanent
/// changes, such as releases, last a day and explain only alerts of their kind.
///
/// Labels that begin before `evaluated` explain alerts but do not count.
Judgement judge(std::vector<generate::Label> labels, std::vector<Firing> firings,
                TimeRange evaluated);

}  // namespace tocsin::detection
