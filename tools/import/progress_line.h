// Shows the progress of an import: a bar on a terminal, otherwise a line every few seconds.
#pragma once

#include <string>

#include "tools/import/import.h"

namespace tocsin {

/// `[=======>      ]  54 %  1.2 of 2.2 GB  4.1 M events  1.31 M/s  ETA 3 s`. Without a known total
/// there is no bar and no ETA.
std::string progress_line(const ImportProgress& progress, double elapsed_seconds);

/// Draws on standard error. Not thread-safe.
class ProgressDisplay {
 public:
  ProgressDisplay();

  void show(const ImportProgress& progress, double elapsed_seconds);
  /// Prints the final state on a separate line.
  void finish(const ImportProgress& progress, double elapsed_seconds);

 private:
  bool terminal_;
  double next_line_seconds_ = 0;  // if not on a terminal: the time of the next line
};

}  // namespace tocsin
