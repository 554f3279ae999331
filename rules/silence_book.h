// All silences: those of the rule files and those in the database.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/mutex.h"
#include "db/base/result.h"
#include "db/base/time.h"
#include "db/database.h"
#include "rules/silence.h"

namespace tocsin {

/// Silences in the database that have not ended, and as many that have.
inline constexpr size_t kStoredSilencesMax = 1'000;
/// How long a silence in the database is kept after its end: as long as windows can be re-evaluated
/// for late events.
inline constexpr Duration kEndedSilenceKept = 30 * kDay;

/// All functions may be called from any thread. Both references must outlive it.
///
/// A change never touches what was the case before the clock's time: a silence does not begin or
/// end in the past. So a window that is evaluated late, or again after a crash, finds the silences
/// that it would have found in time.
class SilenceBook {
 public:
  using List = std::shared_ptr<const std::vector<Silence>>;  // shared by evaluations that use it

  SilenceBook(Database& database, const Clock& clock) : database_(database), clock_(clock) {}

  /// Reads those of the database, at the first call that succeeds.
  Status open();
  void set_file_silences(std::vector<Silence> silences);
  List list() const;

  /// Adds a silence, or changes the one with its id, and returns its id. A change of anything but
  /// its end and texts ends the silence and adds a new one. kInvalid, kLimit, kNotFound (unknown
  /// id), kConflict (its file is named).
  Result<std::string> put(Silence silence);
  /// Ends it now. Errors as of put().
  Status expire(const std::string& id);

 private:
  Result<Silence> find_stored(const std::string& id) const;
  Status store(std::vector<Silence> changed, Timestamp now);
  void publish(std::vector<Silence> silences);

  Database& database_;
  const Clock& clock_;
  Mutex change_mutex_;  // held while the database is written
  bool open_ TOCSIN_GUARDED_BY(change_mutex_) = false;
  mutable Mutex list_mutex_;
  List list_ TOCSIN_GUARDED_BY(list_mutex_) = std::make_shared<const std::vector<Silence>>();
};

}  // namespace tocsin
