// Objects in one SQLite file, which is read and written by a thread of its own: a slow disk, or another process that
// has locked the file, keeps nothing else waiting.
#include <array>
#include <fmt/format.h>

#include "net/wait.h"
#include "store/side_thread.h"
#include "store/sqlite_file.h"

namespace weir::store {
namespace {

// Only this Weir writes to the file: store_lock.h.
class SqliteStore final : public Store {
 public:
  explicit SqliteStore(std::unique_ptr<SqliteFile> file) : file_(std::move(file)) {}

  net::Task<Result<Contents>> load(base::TimePoint deadline) override;
  net::Task<Result<std::uint64_t>> commit(Commit commit, base::TimePoint deadline) override;
  net::Task<Result<std::uint64_t>> watch(std::uint64_t seen, base::TimePoint deadline) override;

 private:
  Error no_answer(ErrorCode code) const { return {code, fmt::format("store {}: no answer in time", file_->path())}; }

  std::unique_ptr<SqliteFile> file_;  // the thread's
  SideThread thread_;                 // last: it ends first
};

net::Task<Result<Contents>> SqliteStore::load(base::TimePoint deadline) {
  using Loaded = Result<Contents>;
  std::function<Loaded(Patience&)> call = [file = file_.get()](Patience& patience) { return file->load(patience); };
  SideThread::Outcome<Loaded> outcome = co_await thread_.run(std::move(call), deadline);
  if (!outcome.result) co_return std::unexpected(no_answer(ErrorCode::unavailable));
  co_return std::move(*outcome.result);
}

net::Task<Result<std::uint64_t>> SqliteStore::commit(Commit commit, base::TimePoint deadline) {
  using Committed = Result<std::uint64_t>;
  std::function<Committed(Patience&)> call = [file = file_.get(), commit = std::move(commit)](Patience& patience) {
    return file->commit(commit, patience);
  };
  SideThread::Outcome<Committed> outcome = co_await thread_.run(std::move(call), deadline);
  if (outcome.result) co_return std::move(*outcome.result);
  ErrorCode code = outcome.is_certain ? ErrorCode::unavailable : ErrorCode::uncertain;
  co_return std::unexpected(no_answer(code));
}

net::Task<Result<std::uint64_t>> SqliteStore::watch(std::uint64_t seen, base::TimePoint deadline) {
  base::Result<void> slept = co_await net::sleep_until(deadline);
  static_cast<void>(slept);
  co_return seen;
}

}  // namespace

std::span<const config::OptionSpec> sqlite_store_options() {
  static const std::array<config::OptionSpec, 1> options = {{
      {.key = "path",
       .type = config::OptionType::text,
       .default_value = std::string("/var/lib/weir/weir.db"),
       .summary = "the file; its folder must exist and be writable",
       .is_path = true},
  }};
  return options;
}

Result<std::unique_ptr<Store>> open_sqlite_store(const config::Choice& choice) {
  auto file = std::make_unique<SqliteFile>(config::option<std::string>(choice, "path"));
  if (Result<void> opened = file->open(); !opened) return std::unexpected(std::move(opened.error()));
  return std::make_unique<SqliteStore>(std::move(file));
}

}  // namespace weir::store
