// One event before it is formatted.
#pragma once

#include <cstdint>

#include "db/base/time.h"

namespace tocsin::generate {

enum class LogType : uint8_t { kAudit, kBpm, kPerformance };
inline constexpr size_t kLogTypeCount = 3;
const char* name_of(LogType type);  ///< `audit`, `bpm`, `performance`

enum class Outcome : uint8_t { kSuccess, kFailed, kTimeout };

/// The kind of a bpm event; kNone for the other log types.
enum class Step : uint8_t { kNone, kStart, kStep, kEnd };

struct Event {
  Timestamp time = 0;
  LogType type = LogType::kAudit;
  Outcome outcome = Outcome::kSuccess;
  Step step = Step::kNone;
  uint16_t service = 0;          ///< index into the estate's services
  uint8_t transaction = 0;       ///< index into the service's transactions
  uint16_t host = 0;             ///< from 1
  uint16_t message = 0;          ///< 0: by type and outcome; else 1 + index of the estate's wording
  uint16_t version = 0;          ///< of the service's program; 0: not written
  uint16_t cpu_tenths = 0;       ///< performance: percent times ten
  uint32_t memory_tenths = 0;    ///< performance: MB times ten
  uint32_t duration_tenths = 0;  ///< milliseconds times ten; 0: no duration
  uint64_t transaction_id = 0;   ///< bpm
  uint64_t noise = 0;            ///< random bits for the message: wording, ids and numbers
};

}  // namespace tocsin::generate
