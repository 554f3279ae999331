// Parses the logs that container runtimes write: CRI (Kubernetes: containerd, CRI-O) and Docker's
// json-file. Joins lines that the runtime cut, and unpacks JSON and logfmt within; no I/O.
// Source: Kubernetes, pkg/kubelet/kuberuntime/logs; Docker, "JSON File logging driver".
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/schema/batch.h"
#include "net/parse/input_format.h"
#include "net/parse/line_protocol.h"
#include "net/parse/multi_line.h"

namespace tocsin {

/// A line of the runtime.
struct ContainerLine {
  std::string_view time;
  std::string_view stream;      ///< `stdout`, `stderr`
  std::string_view text;        ///< what the program wrote, without the line end
  bool escaped = false;         ///< Docker: `text` has escapes of JSON
  bool partial = false;         ///< the program's line continues in the next line of the stream
  std::string_view attributes;  ///< Docker: the object `attrs`, with its braces; empty: none
};
/// Reads `TIME STREAM F text`, or `P` for partial lines.
std::optional<ContainerLine> read_cri_line(std::string_view line);
/// Reads Docker's JSON as Docker writes it: without white space, and `log` first.
std::optional<ContainerLine> read_docker_line(std::string_view line);

/// Rows of a container's log. A row has the text as `message`, its `level` if one is found, and
/// `stream`; if the text is a JSON object or logfmt, it has the values of that instead. The time is
/// that of the text if it is JSON or logfmt with a time, or else the runtime's.
class ContainerLog {
 public:
  /// `format`: kCri or kDocker. `multi_line`: by the program's lines; may be null. Lines of one
  /// event follow each other in one stream.
  ContainerLog(InputFormat format, const MultiLine* multi_line, const ParseOptions& options,
               Batch& batch, LineErrors& errors);
  ~ContainerLog();

  /// Parses whole events. Requires: `lines` lives as long as the batch.
  void parse(std::string_view lines);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The number of bytes of `lines` after which no event is open. An event ends after
/// kEventBytesMax at the latest. Requires: `lines` is empty or ends with a newline, and begins with
/// an event.
size_t whole_container_events(InputFormat format, const MultiLine* multi_line,
                              std::string_view lines);

/// What the path of a container's log says about it: `namespace`, `pod` and `container` for
/// /var/log/pods/NAMESPACE_POD_UID/CONTAINER/N.log and
/// /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log; `container`, the first 12 digits of the id,
/// for /var/lib/docker/containers/ID/ID-json.log. Else empty.
TagList container_tags(std::string_view path);
/// The same, followed by `tags`, for files of `format`; for others, only `tags`.
TagList with_container_tags(InputFormat format, std::string_view path, const TagList& tags);

}  // namespace tocsin
