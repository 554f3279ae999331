// Programs through uv_spawn. Each run owns its handles and is freed once all of them are closed.
#include "net/deliver/command_runner.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <set>

#include <fmt/format.h>
#include <unistd.h>
#include <uv.h>

#include "db/base/ascii.h"

namespace tocsin {
namespace {

constexpr size_t kErrorBytesKept = 512;  // of standard error

}  // namespace

struct CommandRunner::State {
  struct Run {
    CommandRun command;
    std::function<void(DeliveryAnswer)> done;
    std::weak_ptr<State> owner;
    uv_process_t process{};
    uv_pipe_t input{}, errors{};
    uv_timer_t timer{};
    uv_write_t write{};
    int open_handles = 0;
    uint64_t started = 0;
    bool timed_out = false;
    std::string error_text;
    std::array<char, 4096> buffer{};
  };

  uv_loop_t* loop = nullptr;
  std::set<Run*> running;

  static Run& run_of(const void* data) { return *static_cast<Run*>(const_cast<void*>(data)); }

  template <class Handle>
  static void close(Handle& handle) {
    auto* base = reinterpret_cast<uv_handle_t*>(&handle);
    if (uv_is_closing(base) != 0) return;
    uv_close(base, [](uv_handle_t* closed) {
      Run* run = &run_of(closed->data);
      if (--run->open_handles == 0) delete run;
    });
  }

  static void close_all(Run& run) {
    close(run.process);
    close(run.input);
    close(run.errors);
    close(run.timer);
  }

  // The program leads a process group, so what it started ends too.
  static void kill_group(const Run& run) { ::kill(-run.process.pid, SIGKILL); }

  static void finish(Run& run, DeliveryAnswer answer) {
    const auto owner = run.owner.lock();
    const auto done = std::move(run.done);
    answer.latency = static_cast<Duration>(uv_hrtime() - run.started);
    close_all(run);
    if (!owner || owner->running.erase(&run) == 0) return;
    done(answer);
  }

  // What the program wrote before it ended, and the loop has not read yet.
  static void read_errors(Run& run) {
    uv_os_fd_t descriptor = -1;
    const auto* handle = reinterpret_cast<const uv_handle_t*>(&run.errors);
    if (uv_is_closing(handle) != 0 || uv_fileno(handle, &descriptor) != 0) return;
    while (run.error_text.size() < kErrorBytesKept) {
      const ssize_t size = read(descriptor, run.buffer.data(), run.buffer.size());
      if (size <= 0) return;
      run.error_text.append(run.buffer.data(), static_cast<size_t>(size));
    }
    run.error_text.resize(kErrorBytesKept);
  }

  static DeliveryAnswer answer_of(const Run& run, int64_t exit_code, int signal) {
    DeliveryAnswer answer;
    answer.verdict = DeliveryVerdict::kRetry;
    if (run.timed_out) {
      answer.error =
          fmt::format("the command did not end within {}", format_duration(run.command.timeout));
    } else if (signal != 0) {
      answer.error = fmt::format("the command was ended by signal {}", signal);
    } else if (exit_code != 0) {
      answer.error = fmt::format("the command exited with {}", exit_code);
    } else {
      answer.verdict = DeliveryVerdict::kDelivered;
      return answer;
    }
    const std::string_view text = trimmed(run.error_text);
    if (!text.empty()) answer.error += fmt::format(": {}", text);
    return answer;
  }
};

CommandRunner::CommandRunner(uv_loop_t* loop) : state_(std::make_shared<State>()) {
  state_->loop = loop;
}

CommandRunner::~CommandRunner() {
  for (State::Run* run : state_->running) {
    State::kill_group(*run);
    State::close_all(*run);
  }
  state_->running.clear();
}

void CommandRunner::run(CommandRun command, std::function<void(DeliveryAnswer)> done) {
  auto* run = new State::Run;  // freed when its handles are closed
  run->command = std::move(command);
  run->done = std::move(done);
  run->owner = state_;
  run->started = uv_hrtime();
  run->process.data = run->input.data = run->errors.data = run->timer.data = run;
  uv_pipe_init(state_->loop, &run->input, 0);
  uv_pipe_init(state_->loop, &run->errors, 0);
  uv_timer_init(state_->loop, &run->timer);
  run->open_handles = 4;
  state_->running.insert(run);

  std::vector<char*> arguments;
  for (std::string& argument : run->command.arguments) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  std::array<uv_stdio_container_t, 3> stdio{};
  stdio[0].flags = static_cast<uv_stdio_flags>(UV_CREATE_PIPE | UV_READABLE_PIPE);
  stdio[0].data.stream = reinterpret_cast<uv_stream_t*>(&run->input);
  stdio[1].flags = UV_IGNORE;
  stdio[2].flags = static_cast<uv_stdio_flags>(UV_CREATE_PIPE | UV_WRITABLE_PIPE);
  stdio[2].data.stream = reinterpret_cast<uv_stream_t*>(&run->errors);
  uv_process_options_t options{};
  options.file = arguments[0];
  options.args = arguments.data();
  options.stdio = stdio.data();
  options.stdio_count = static_cast<int>(stdio.size());
  options.flags = UV_PROCESS_DETACHED;
  options.exit_cb = [](uv_process_t* process, int64_t exit_code, int signal) {
    State::Run& ended = State::run_of(process->data);
    State::read_errors(ended);
    State::finish(ended, State::answer_of(ended, exit_code, signal));
  };
  if (const int error = uv_spawn(state_->loop, &run->process, &options); error != 0) {
    // `done` must be called later, so the timer reports the failure.
    run->error_text = uv_strerror(error);
    uv_timer_start(
        &run->timer,
        [](uv_timer_t* timer) {
          State::Run& failed = State::run_of(timer->data);
          DeliveryAnswer answer;
          answer.verdict = DeliveryVerdict::kRetry;
          answer.error =
              fmt::format("cannot run {}: {}", failed.command.arguments.front(), failed.error_text);
          State::finish(failed, std::move(answer));
        },
        0, 0);
    return;
  }
  uv_timer_start(
      &run->timer,
      [](uv_timer_t* timer) {
        State::Run& late = State::run_of(timer->data);
        late.timed_out = true;
        State::kill_group(late);
      },
      static_cast<uint64_t>(std::max<Duration>(run->command.timeout / kMillisecond, 1)), 0);
  uv_read_start(
      reinterpret_cast<uv_stream_t*>(&run->errors),
      [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
        State::Run& reading = State::run_of(handle->data);
        *buffer = uv_buf_init(reading.buffer.data(), static_cast<unsigned>(reading.buffer.size()));
      },
      [](uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
        State::Run& reading = State::run_of(stream->data);
        if (size < 0) return State::close(reading.errors);
        const size_t room = kErrorBytesKept - std::min(kErrorBytesKept, reading.error_text.size());
        reading.error_text.append(buffer->base, std::min(room, static_cast<size_t>(size)));
      });
  uv_buf_t text =
      uv_buf_init(run->command.input.data(), static_cast<unsigned>(run->command.input.size()));
  run->write.data = run;
  // A program that does not read its input has its own reasons; its exit code counts.
  uv_write(&run->write, reinterpret_cast<uv_stream_t*>(&run->input), &text, 1,
           [](uv_write_t* write, int) { State::close(State::run_of(write->data).input); });
}

}  // namespace tocsin
