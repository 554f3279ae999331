// Alerts as text for people, as chats and e-mails show them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "net/deliver/payload.h"
#include "rules/alert.h"

namespace tocsin {

/// Most alerts that a text lists; it counts the others.
inline constexpr size_t kTextAlertsMax = 10;

struct AlertText {
  std::string
      title;  ///< one line: `FIRING HIGH: pay: 50 % failed`, `2 FIRING, 1 RESOLVED: Failures`
  std::vector<std::string> lines;      ///< one for each listed alert
  size_t more = 0;                     ///< alerts that are not listed
  Severity severity = Severity::kLow;  ///< the highest of those that fire, else of all
  bool firing = false;                 ///< whether any fires
  std::string body() const;            ///< the lines, and how many more
};

/// The most severe ones that fire come first. Requires: `alerts` is not empty.
AlertText text_of(std::span<const AlertEvent> alerts);

/// Fills a template: `{{ name }}` inside a JSON string becomes the escaped text. `"{{ alerts }}"`
/// becomes a list of objects, `"{{ count }}"` a number. Names are `title`, `text`, `status`,
/// `severity`, `colour`, `count`, `receiver`, `url`, `alerts`, `id`, and of the first alert `rule`,
/// `service`, `summary`, `fingerprint`, `labels.NAME` and `annotations.NAME`.
std::string fill_template(std::string_view text, const PayloadContext& context,
                          std::span<const AlertEvent> alerts);
/// kInvalid names an unknown name, or says why the result would not be JSON.
Status check_template(std::string_view text);

}  // namespace tocsin
