// Files, TCP and standard output.
#include "tools/generate/sink.h"

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "db/base/file.h"

namespace tocsin::generate {
namespace {

class FileSink final : public Sink {
 public:
  FileSink(std::string directory, std::string extension, bool append)
      : directory_(std::move(directory)), extension_(std::move(extension)), append_(append) {}

  bool mixed() const override { return false; }

  Status write(LogType type, Timestamp time, std::string_view lines) override {
    File& file = files_[static_cast<size_t>(type)];
    const int64_t day = time / kDay;
    if (file.fd.get() < 0 || file.day != day) TOCSIN_RETURN_IF_ERROR(open_day(file, type, day));
    return write_all(file.fd.get(), std::as_bytes(std::span(lines)), file.path);
  }

 private:
  struct File {
    Descriptor fd;
    std::string path;
    int64_t day = 0;
  };

  Status open_day(File& file, LogType type, int64_t day) {
    const std::string folder = directory_ + "/" + name_of(type);
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return fail(ErrorCode::kIo, fmt::format("creating {}: {}", folder, error.message()));
    file.path =
        fmt::format("{}/{}.{}", folder, format_time_short(day * kDay).substr(0, 10), extension_);
    file.day = day;
    file.fd.reset(open(file.path.c_str(),
                       O_WRONLY | O_CREAT | O_CLOEXEC | (append_ ? O_APPEND : O_EXCL), 0644));
    if (file.fd.get() >= 0) return {};
    if (errno == EEXIST) {
      return fail(
          ErrorCode::kConflict,
          fmt::format("{} already exists; remove it, or choose another directory with --out",
                      file.path));
    }
    return system_error("opening", file.path, errno);
  }

  std::string directory_, extension_;
  bool append_;
  std::array<File, kLogTypeCount> files_;
};

class TcpSink final : public Sink {
 public:
  TcpSink(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  /// Ends the stream and waits until the receiver has read it, so that a reset cannot cut it off.
  ~TcpSink() override {
    const timeval patience{30, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    shutdown(fd_.get(), SHUT_WR);
    char ignored[256];
    while (recv(fd_.get(), ignored, sizeof ignored, 0) > 0) {
    }
  }

  bool mixed() const override { return true; }

  Status write(LogType, Timestamp, std::string_view lines) override {
    return write_with(std::span(lines), "to " + name_, [&](const char* data, size_t size) {
      return send(fd_.get(), data, size, MSG_NOSIGNAL);
    });
  }

 private:
  Descriptor fd_;
  std::string name_;
};

class StdoutSink final : public Sink {
 public:
  bool mixed() const override { return true; }

  Status write(LogType, Timestamp, std::string_view lines) override {
    return write_all(STDOUT_FILENO, std::as_bytes(std::span(lines)), "standard output");
  }
};

struct AddressList {
  addrinfo* first = nullptr;
  ~AddressList() {
    if (first != nullptr) freeaddrinfo(first);
  }
};

}  // namespace

std::unique_ptr<Sink> make_file_sink(std::string directory, std::string extension, bool append) {
  return std::make_unique<FileSink>(std::move(directory), std::move(extension), append);
}

Result<std::unique_ptr<Sink>> make_tcp_sink(const std::string& host_and_port) {
  const size_t colon = host_and_port.rfind(':');
  if (colon == std::string::npos || colon + 1 == host_and_port.size()) {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("\"{}\" is not a valid address; write HOST:PORT, for example 127.0.0.1:8094",
                    host_and_port));
  }
  const std::string host = host_and_port.substr(0, colon), port = host_and_port.substr(colon + 1);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  AddressList list;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &list.first);
  if (error != 0) {
    return fail(ErrorCode::kNotFound,
                fmt::format("resolving {}: {}", host_and_port, gai_strerror(error)));
  }
  int last_errno = 0;
  for (const addrinfo* at = list.first; at != nullptr; at = at->ai_next) {
    const int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
    if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0) {
      return std::make_unique<TcpSink>(fd, host_and_port);
    }
    last_errno = errno;
    if (fd >= 0) close(fd);
  }
  std::string message = system_error("connecting to", host_and_port, last_errno).value().message;
  return fail(ErrorCode::kIo, message + "; is `tocsin serve` running there?");
}

std::unique_ptr<Sink> make_stdout_sink() { return std::make_unique<StdoutSink>(); }

}  // namespace tocsin::generate
