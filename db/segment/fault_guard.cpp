#include "db/segment/fault_guard.h"

#include <array>
#include <csignal>
#include <cstring>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "db/base/mutex.h"

namespace tocsin {
namespace {

constexpr size_t kSlotCount = 16'384;  // mapped files of one process; further ones are unguarded
constexpr int kExitFailed = 1;

struct GuardSlot {
  std::atomic<uintptr_t> start{0};
  std::atomic<size_t> size{0};
  std::atomic<bool> is_damaged{false};
};
static_assert(std::atomic<uintptr_t>::is_always_lock_free, "read by a signal handler");

std::array<GuardSlot, kSlotCount> slots;
std::atomic<size_t> slots_used{0};  // slots from here on have never been used

struct FreeSlots {
  Mutex mutex;
  std::vector<size_t> list TOCSIN_GUARDED_BY(mutex);
};
FreeSlots& free_slots() {
  static auto* instance = new FreeSlots;  // outlives ranges of static lifetime
  return *instance;
}

thread_local const char* catalog_path = nullptr;  // while this thread is in the catalog
std::atomic<bool> is_installed{false};
struct sigaction previous_bus, previous_segv;

void print(const char* text) {
  if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) return;
}

[[noreturn]] void end_for_damaged_catalog(const char* path) {
  print("tocsin: the catalog ");
  print(path);
  print(" is damaged; stop the process that writes it and run `tocsin repair --db DIR`\n");
  ::_exit(kExitFailed);
}

GuardSlot* slot_of(uintptr_t address) {
  const size_t used = slots_used.load(std::memory_order_acquire);
  for (size_t i = 0; i < used; ++i) {
    const uintptr_t start = slots[i].start.load(std::memory_order_acquire);
    if (start != 0 && address - start < slots[i].size.load(std::memory_order_relaxed)) {
      return &slots[i];
    }
  }
  return nullptr;
}

/// Maps a page of zeros where the file has none; the reader continues and finds a wrong checksum.
bool put_zero_page(uintptr_t address) {
  const auto page_size = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  void* page = reinterpret_cast<void*>(address & ~(page_size - 1));
  return ::mmap(page, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page;
}

void pass_on(int signal, siginfo_t* info, void* context) {
  const struct sigaction& previous = signal == SIGBUS ? previous_bus : previous_segv;
  if ((previous.sa_flags & SA_SIGINFO) != 0) return previous.sa_sigaction(signal, info, context);
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    return previous.sa_handler(signal);
  }
  // The instruction runs again after this returns; then the default action ends the process.
  ::signal(signal, SIG_DFL);
}

void handle(int signal, siginfo_t* info, void* context) {
  if (catalog_path != nullptr) end_for_damaged_catalog(catalog_path);
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  if (GuardSlot* slot = signal == SIGBUS ? slot_of(address) : nullptr) {
    slot->is_damaged.store(true, std::memory_order_release);
    if (put_zero_page(address)) return;
  }
  pass_on(signal, info, context);
}

}  // namespace

void install_fault_guard() {
  if (is_installed.exchange(true)) return;
  struct sigaction action = {};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, &previous_bus);
  ::sigaction(SIGSEGV, &action, &previous_segv);
}

CatalogAccess::CatalogAccess(const char* path) : previous_(catalog_path) { catalog_path = path; }
CatalogAccess::~CatalogAccess() { catalog_path = previous_; }

void report_damaged_catalog() {
  if (!is_installed) return;
  end_for_damaged_catalog(catalog_path != nullptr ? catalog_path : "catalog.mdb");
}

GuardedRange::GuardedRange(ByteView bytes) {
  FreeSlots& free = free_slots();
  MutexLock lock(free.mutex);
  if (!free.list.empty()) {
    slot_ = free.list.back();
    free.list.pop_back();
  } else {
    slot_ = slots_used.load();
    if (slot_ == kSlotCount) return;
    slots_used.store(slot_ + 1);
  }
  GuardSlot& slot = slots[slot_];
  slot.is_damaged = false;
  slot.size.store(bytes.size(), std::memory_order_relaxed);
  slot.start.store(reinterpret_cast<uintptr_t>(bytes.data()), std::memory_order_release);
}

GuardedRange::~GuardedRange() {
  if (slot_ == kSlotCount) return;
  slots[slot_].start = 0;
  FreeSlots& free = free_slots();
  MutexLock lock(free.mutex);
  free.list.push_back(slot_);
}

bool GuardedRange::is_damaged() const {
  return slot_ != kSlotCount && slots[slot_].is_damaged.load(std::memory_order_acquire);
}

}  // namespace tocsin
