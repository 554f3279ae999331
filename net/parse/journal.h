// Entries of systemd's journal among JSON lines, as `journalctl -o json` writes them.
// Source: systemd, docs/JOURNAL_EXPORT_FORMATS.md, "Journal JSON Format";
// systemd.journal-fields(7). Internal to net/parse.
#pragma once

#include <string_view>
#include <vector>

#include "db/schema/batch.h"
#include "net/parse/json_event.h"

namespace tocsin {

/// The time of each entry. An event with a text under this key is an entry.
inline constexpr std::string_view kJournalTime = "__REALTIME_TIMESTAMP";

bool is_journal_entry(const std::vector<JsonValue>& values);

/// Renames the usual fields: MESSAGE to `message`, PRIORITY to `level` with a word, _HOSTNAME to
/// `host`, and _SYSTEMD_UNIT without `.service` (or else SYSLOG_IDENTIFIER) to `service`. A name
/// that the entry has already is not given twice. Arrays of bytes, as fields are written that are
/// not valid text, become texts. __CURSOR is removed: it is different in each entry, and says
/// nothing about it.
void read_journal_entry(std::vector<JsonValue>& values, Batch& batch);

/// Of entries whose source has no measurement of its own, but only the usual one.
inline constexpr std::string_view kJournalMeasurement = "journal";
inline constexpr std::string_view kUsualMeasurement = "logs";

}  // namespace tocsin
