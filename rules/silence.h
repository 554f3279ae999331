// Silences: alerts that they match are stored but not sent. In the shape of Alertmanager's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/section.h"
#include "db/base/result.h"
#include "db/base/time.h"
#include "rules/alert.h"
#include "rules/cron.h"
#include "rules/label_matcher.h"

namespace tocsin {

inline constexpr size_t kFileSilencesMax = 1'000;        ///< silences of all rule files
inline constexpr size_t kSilenceMatchersMax = 50;        ///< matchers of one silence
inline constexpr size_t kSilenceTextBytesMax = 4'096;    ///< of a comment, owner or matcher
inline constexpr Duration kSilenceRepeatMax = 7 * kDay;  ///< `for` of a recurring silence
inline constexpr size_t kSilencedByMax = 10;             ///< ids of silences that an alert lists
inline constexpr const char* kFileSilencePrefix = "file:";

struct Silence {
  std::string id;                      ///< `file:NAME`, or a UUID if the silence is in the database
  std::string file;                    ///< the rule file; empty: it is in the database
  std::vector<LabelMatcher> matchers;  ///< all must match
  /// It is active in [from, until), if it recurs only for `repeat_for` from each start.
  Timestamp from = 0;
  Timestamp until = 0;
  std::optional<CronSchedule> schedule;  ///< starts, if it recurs
  Duration repeat_for = 0;
  TimeZone zone;  ///< of the schedule
  std::string owner, comment;
  Timestamp updated_at = 0;
  /// An acknowledgement: of the firing of this alert that began at `firing_since`. Empty: a
  /// silence.
  std::string fingerprint;
  Timestamp firing_since = 0;

  bool is_acknowledgement() const { return !fingerprint.empty(); }
};

enum class SilenceState : uint8_t { kPending, kActive, kExpired };
const char* name_of(SilenceState state);  ///< `pending`, `active`, `expired`
/// A recurring silence is pending between its active times.
SilenceState state_at(const Silence& silence, Timestamp t);

/// The labels of the alert, `alertname`, `type`, `severity`, `service` and `fingerprint`.
MatchLabels match_labels(const AlertEvent& event);

/// What a silence is compared with.
struct SilencedAlert {
  MatchLabels labels;  ///< with `fingerprint`
  std::string fingerprint;
  Timestamp firing_since = 0;
};
/// Whether the silence is for the alert, at whatever time.
bool covers(const Silence& silence, const SilencedAlert& alert);

/// Those that are active at `t`. `silences` must outlive the result.
std::vector<const Silence*> active_silences(const std::vector<Silence>& silences, Timestamp t);
/// Adds the silences, at most kSilencedByMax, and the acknowledgement that cover the alert.
void add_silences(const std::vector<const Silence*>& active, const SilencedAlert& alert,
                  HeldBack& out);

/// Checks everything but the times; kInvalid says what is wrong.
Status check_silence(const Silence& silence);

/// Reads the key `silences` of a rule file; `zone` is that of bare dates and the default. Reports
/// invalid entries and leaves them out.
std::vector<Silence> read_silences(Section& top, const std::string& file, const TimeZone& zone,
                                   Problems& problems);

/// The JSON of Alertmanager's API v2 (`gettableSilence`), with more keys for what it lacks:
/// `schedule`, `for`, `zone`, `fingerprint`, `firingSince`, `file`.
std::string silence_json(const Silence& silence, Timestamp now);
/// Reads what silence_json() wrote, or a `postableSilence` of a client. kInvalid says what is
/// wrong.
Result<Silence> parse_silence(std::string_view json);
/// The same for a list, as servers return it.
Result<std::vector<Silence>> parse_silences(std::string_view json);

}  // namespace tocsin
