// Each source reads from the one before it: file, unpacked, converted, cut into events.
#include "tools/import/input_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "db/base/file.h"
#include "net/parse/framer.h"
#include "net/parse/json_documents.h"
#include "net/parse/nul_blocks.h"

namespace tocsin {
namespace {

constexpr size_t kStepBytes = size_t{16} << 10;  // read or unpacked at a time
constexpr int kGzipOnly = 16 + MAX_WBITS;        // zlib.h, inflateInit2
constexpr int kZstdWindowLogMax = 31;            // as `zstd --long=31` writes them

class FileBytes final : public ByteSource {
 public:
  FileBytes(int descriptor, std::string path, std::shared_ptr<uint64_t> count)
      : descriptor_(descriptor), path_(std::move(path)), count_(std::move(count)) {}
  ~FileBytes() override {
    if (descriptor_ > STDIN_FILENO) close(descriptor_);
  }
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  Result<size_t> read(std::span<char> bytes) override {
    TOCSIN_TRY(const size_t count, read_up_to(descriptor_, std::as_writable_bytes(bytes), path_));
    *count_ += count;
    return count;
  }

 private:
  const int descriptor_;
  const std::string path_;
  const std::shared_ptr<uint64_t> count_;
};

/// Bytes that were read before, and then those of a source, if there is one.
class StartedBytes final : public ByteSource {
 public:
  StartedBytes(std::string start, std::unique_ptr<ByteSource> source)
      : start_(std::move(start)), source_(std::move(source)) {}

  Result<size_t> read(std::span<char> bytes) override {
    const size_t count = std::min(bytes.size(), start_.size() - at_);
    std::memcpy(bytes.data(), start_.data() + at_, count);
    at_ += count;
    if (count == bytes.size() || !source_) return count;
    TOCSIN_TRY(const size_t more, source_->read(bytes.subspan(count)));
    return count + more;
  }

 private:
  const std::string start_;
  size_t at_ = 0;
  const std::unique_ptr<ByteSource> source_;
};

/// A source whose bytes come in pieces of any size from those of the source before it.
class PieceSource : public ByteSource {
 public:
  explicit PieceSource(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

  Result<size_t> read(std::span<char> bytes) final {
    size_t filled = 0;
    while (filled < bytes.size()) {
      if (at_ == piece_.size()) {
        if (ended_) break;
        piece_.clear();
        at_ = 0;
        input_.resize(kStepBytes);
        TOCSIN_TRY(const size_t count, source_->read(input_));
        ended_ = count < input_.size();
        TOCSIN_RETURN_IF_ERROR(convert({input_.data(), count}, ended_, piece_));
        continue;
      }
      const size_t count = std::min(bytes.size() - filled, piece_.size() - at_);
      std::memcpy(bytes.data() + filled, piece_.data() + at_, count);
      filled += count;
      at_ += count;
    }
    return filled;
  }

 private:
  /// Appends the converted bytes to `out`. `last`: no more input follows.
  virtual Status convert(std::string_view input, bool last, std::string& out) = 0;

  const std::unique_ptr<ByteSource> source_;
  std::vector<char> input_;
  std::string piece_;
  size_t at_ = 0;
  bool ended_ = false;
};

tl::unexpected<Error> bad_data(const std::string& path, std::string_view format) {
  return fail(ErrorCode::kCorrupt,
              fmt::format("{}: the {} data is damaged or ends too early", path, format));
}

/// A gzip file may have several members, one after the other.
class GzipBytes final : public PieceSource {
 public:
  GzipBytes(std::unique_ptr<ByteSource> source, std::string path)
      : PieceSource(std::move(source)),
        path_(std::move(path)),
        ready_(inflateInit2(&stream_, kGzipOnly) == Z_OK) {}
  ~GzipBytes() override {
    if (ready_) inflateEnd(&stream_);
  }
  GzipBytes(const GzipBytes&) = delete;
  GzipBytes& operator=(const GzipBytes&) = delete;

 private:
  Status convert(std::string_view input, bool last, std::string& out) override {
    if (!ready_) return fail(ErrorCode::kBusy, path_ + ": not enough memory to unpack it");
    // zlib does not write to its input.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    while (true) {
      if (between_members_) {  // padding with zeros is usual on tapes
        while (stream_.avail_in > 0 && *stream_.next_in == 0) {
          ++stream_.next_in;
          --stream_.avail_in;
        }
        if (stream_.avail_in == 0) return {};
        if (inflateReset(&stream_) != Z_OK) return bad_data(path_, "gzip");
        between_members_ = false;
      }
      const size_t filled = out.size();
      out.resize(filled + kStepBytes);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + filled);
      stream_.avail_out = static_cast<uInt>(kStepBytes);
      const int status = inflate(&stream_, Z_NO_FLUSH);
      const bool full = stream_.avail_out == 0;
      out.resize(out.size() - stream_.avail_out);
      if (status == Z_STREAM_END) {
        between_members_ = true;
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        return bad_data(path_, "gzip");
      } else if (stream_.avail_in == 0 && !full) {
        if (last) return bad_data(path_, "gzip");
        return {};
      }
    }
  }

  const std::string path_;
  z_stream stream_{};
  const bool ready_;
  bool between_members_ = false;
};

class ZstdBytes final : public PieceSource {
 public:
  ZstdBytes(std::unique_ptr<ByteSource> source, std::string path)
      : PieceSource(std::move(source)), path_(std::move(path)), stream_(ZSTD_createDStream()) {
    if (stream_) ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax);
  }

 private:
  Status convert(std::string_view input, bool last, std::string& out) override {
    if (!stream_) return fail(ErrorCode::kBusy, path_ + ": not enough memory to unpack it");
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    while (true) {
      const size_t filled = out.size();
      out.resize(filled + kStepBytes);
      ZSTD_outBuffer piece{out.data() + filled, kStepBytes, 0};
      const size_t left = ZSTD_decompressStream(stream_.get(), &piece, &in);
      out.resize(filled + piece.pos);
      if (ZSTD_isError(left) != 0) return bad_data(path_, "zstd");
      if (in.pos > 0 || piece.pos > 0) frame_ended_ = left == 0;
      if (in.pos == in.size && piece.pos < piece.size) break;
    }
    if (last && !frame_ended_) return bad_data(path_, "zstd");
    return {};
  }

  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  const std::string path_;
  const std::unique_ptr<ZSTD_DStream, Free> stream_;
  bool frame_ended_ = false;
};

void add_utf8(char32_t c, std::string& out) {
  const auto add = [&](char32_t bits) { out.push_back(static_cast<char>(bits)); };
  if (c < 0x80) return add(c);
  if (c < 0x800) {
    add(0xC0 | (c >> 6));
  } else if (c < 0x10000) {
    add(0xE0 | (c >> 12));
    add(0x80 | ((c >> 6) & 0x3F));
  } else {
    add(0xF0 | (c >> 18));
    add(0x80 | ((c >> 12) & 0x3F));
    add(0x80 | ((c >> 6) & 0x3F));
  }
  add(0x80 | (c & 0x3F));
}

/// Halves of a surrogate pair without the other one become U+FFFD.
class Utf16Text final : public PieceSource {
 public:
  Utf16Text(std::unique_ptr<ByteSource> source, bool big)
      : PieceSource(std::move(source)), big_(big) {}

 private:
  static constexpr char32_t kReplacement = 0xFFFD;

  Status convert(std::string_view input, bool last, std::string& out) override {
    for (const char c : input) {
      const auto byte = static_cast<unsigned char>(c);
      if (!half_) {
        half_ = byte;
        continue;
      }
      add_unit(static_cast<char32_t>(big_ ? *half_ << 8 | byte : byte << 8 | *half_), out);
      half_.reset();
    }
    if (last && (high_ != 0 || half_)) add_utf8(kReplacement, out);
    return {};
  }

  void add_unit(char32_t unit, std::string& out) {
    const bool low = unit >> 10 == 0xDC00 >> 10;
    const char32_t high = std::exchange(high_, 0);
    if (high != 0 && low) {
      return add_utf8(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00), out);
    }
    if (high != 0) add_utf8(kReplacement, out);
    if (unit >> 10 == 0xD800 >> 10) {
      high_ = unit;
    } else {
      add_utf8(low ? kReplacement : unit, out);
    }
  }

  const bool big_;
  std::optional<unsigned char> half_;  // the first byte of a unit
  char32_t high_ = 0;                  // the first half of a surrogate pair
};

class NewlineText final : public PieceSource {
 public:
  using PieceSource::PieceSource;

 private:
  Status convert(std::string_view input, bool, std::string& out) override {
    std::replace_copy(input.begin(), input.end(), std::back_inserter(out), '\r', '\n');
    return {};
  }
};

class DocumentLines final : public PieceSource {
 public:
  DocumentLines(std::unique_ptr<ByteSource> source, std::string array_key)
      : PieceSource(std::move(source)), documents_(std::move(array_key)) {}

 private:
  Status convert(std::string_view input, bool last, std::string& out) override {
    documents_.add(input, out);
    if (last) documents_.finish(out);
    return {};
  }

  JsonDocuments documents_;
};

std::unique_ptr<ByteSource> decoded(std::unique_ptr<ByteSource> source, TextEncoding encoding,
                                    const std::string& path) {
  switch (encoding) {
    case TextEncoding::kPlain: break;
    case TextEncoding::kGzip: return std::make_unique<GzipBytes>(std::move(source), path);
    case TextEncoding::kZstd: return std::make_unique<ZstdBytes>(std::move(source), path);
    case TextEncoding::kUtf16Little:
    case TextEncoding::kUtf16Big:
      return std::make_unique<Utf16Text>(std::move(source), encoding == TextEncoding::kUtf16Big);
    case TextEncoding::kCarriageReturns: return std::make_unique<NewlineText>(std::move(source));
  }
  return source;
}

}  // namespace

InputFile::~InputFile() = default;

Status InputFile::fill_start(ByteSource& source) {
  const size_t begun = start_.size();
  start_.resize(kFormatBytes);
  TOCSIN_TRY(const size_t count, source.read(std::span(start_).subspan(begun)));
  start_.resize(begun + count);
  return {};
}

// Blocks of NUL bytes, which a crash leaves, must not hide the format.
Status InputFile::skip_to_text(ByteSource& source) {
  start_.erase(0, start_.size() - without_byte_order_mark(start_).size());
  for (size_t size = SIZE_MAX; start_.size() != size;) {
    start_.erase(0, start_.size() - without_leading_nuls(start_).size());
    size = start_.size();
    TOCSIN_RETURN_IF_ERROR(fill_start(source));
  }
  return {};
}

Result<std::unique_ptr<InputFile>> InputFile::open(const std::string& path) {
  const int descriptor = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return open_error(path, errno);
  std::unique_ptr<InputFile> file(new InputFile());
  file->bytes_read_ = std::make_shared<uint64_t>(0);
  std::unique_ptr<ByteSource> source =
      std::make_unique<FileBytes>(descriptor, path, file->bytes_read_);
  struct stat status {};
  file->regular_ = path != "-" && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  if (file->regular_) posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  // A compressed file may hold UTF-16, and a damaged or hostile one itself again.
  constexpr int kEncodingsMax = 3;
  for (int i = 0;; ++i) {
    file->start_.clear();
    TOCSIN_RETURN_IF_ERROR(file->fill_start(*source));
    file->is_empty_ = file->start_.empty();
    const TextEncoding encoding = encoding_of(file->start_);
    if (encoding == TextEncoding::kPlain) {
      TOCSIN_RETURN_IF_ERROR(file->skip_to_text(*source));
    }
    source = std::make_unique<StartedBytes>(file->start_, std::move(source));
    if (encoding == TextEncoding::kPlain) break;
    if (i == kEncodingsMax) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} is compressed more than {} times: unpack it first", path, i));
    }
    const bool packed = encoding != TextEncoding::kCarriageReturns;
    if (packed && file->encoding_ == TextEncoding::kPlain) file->encoding_ = encoding;
    source = decoded(std::move(source), encoding, path);
  }
  if (const UnreadFormat unread = unread_format(file->start_); !unread.name.empty()) {
    const bool packed = file->encoding_ != TextEncoding::kPlain;
    return fail(
        ErrorCode::kInvalid,
        fmt::format("{} is {}{}: {}", path, unread.name,
                    packed ? fmt::format(" in {}", name_of(file->encoding_)) : "", unread.advice));
  }
  file->source_ = std::move(source);
  return file;
}

std::unique_ptr<InputFile> InputFile::of_text(std::string text) {
  std::unique_ptr<InputFile> file(new InputFile());
  file->bytes_read_ = std::make_shared<uint64_t>(0);
  file->start_ = text.substr(0, kFormatBytes);
  file->source_ = std::make_unique<StartedBytes>(std::move(text), nullptr);
  return file;
}

void InputFile::cut_documents(std::string array_key) {
  source_ = std::make_unique<DocumentLines>(std::move(source_), std::move(array_key));
}

Result<size_t> InputFile::read(std::span<char> bytes) { return source_->read(bytes); }

uint64_t InputFile::take_bytes_read() {
  return *bytes_read_ - std::exchange(bytes_taken_, *bytes_read_);
}

}  // namespace tocsin
