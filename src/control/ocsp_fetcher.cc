#include "control/ocsp_fetcher.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <curl/curl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "base/try.h"
#include "tls/ocsp.h"

namespace weir::control {
namespace {

constexpr long kTimeoutSeconds = 15;
constexpr std::size_t kMaxBytes = 64 * 1024;
constexpr std::int64_t kFirstRetry = 60;
constexpr std::int64_t kLastRetry = 3600;
constexpr std::int64_t kLongest = 12 * 3600;  // between two fetches
constexpr std::int64_t kShortest = 60;

std::size_t collect(char* bytes, std::size_t size, std::size_t count, void* into) {
  auto& text = *static_cast<std::string*>(into);
  if (text.size() + size * count > kMaxBytes) return 0;
  text.append(bytes, size * count);
  return size * count;
}

std::filesystem::path path_of(const tls::Certificate& certificate, const std::string& folder) {
  return std::filesystem::path(folder) / (certificate.fingerprint + ".der");
}

}  // namespace

OcspFetcher::OcspFetcher() {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  thread_ = std::thread([this] { run(); });
}

OcspFetcher::~OcspFetcher() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void OcspFetcher::follow(std::vector<std::shared_ptr<const tls::Certificate>> certificates, std::string folder) {
  std::lock_guard lock(mutex_);
  std::map<std::string, Work> next;
  for (auto& certificate : certificates) next[certificate->fingerprint].certificates.push_back(std::move(certificate));
  for (auto& [fingerprint, work] : next) {
    auto known = work_.find(fingerprint);
    if (known != work_.end() && known->second.certificates == work.certificates) work = known->second;
  }
  work_ = std::move(next);
  folder_ = std::move(folder);
  changed_.notify_all();
}

void OcspFetcher::run() {
  // Signals are the control thread's.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    auto next = std::ranges::min_element(work_, {}, [](const auto& entry) { return entry.second.due; });
    std::int64_t now = std::time(nullptr);
    if (next == work_.end()) {
      changed_.wait(lock);
      continue;
    }
    if (next->second.due > now) {
      changed_.wait_for(lock, std::chrono::seconds(std::min<std::int64_t>(next->second.due - now, 60)));
      continue;
    }
    std::string fingerprint = next->first;
    Work work = next->second;
    std::string folder = folder_;
    lock.unlock();
    attend(work, folder);
    lock.lock();
    auto still = work_.find(fingerprint);
    if (still != work_.end() && still->second.certificates == work.certificates) still->second = work;
  }
}

void OcspFetcher::attend(Work& work, const std::string& folder) {
  const tls::Certificate& certificate = *work.certificates.front();
  bool loaded = std::exchange(work.from_disk, false) && load(certificate, folder);
  base::Checked<void> fetched;
  if (!loaded) {
    fetched = fetch(certificate);
    if (fetched) store(certificate, folder);
  }
  std::int64_t now = std::time(nullptr);
  if (fetched) {
    std::shared_ptr<const tls::Staple::Response> response = certificate.staple->response();
    for (const auto& other : work.certificates) {
      if (other->staple != certificate.staple) other->staple->set(response);
    }
    std::int64_t half = response->this_update + (response->next_update - response->this_update) / 2;
    work.due = std::clamp(half, now + kShortest, now + kLongest);
    work.failures = 0;
    return;
  }
  work.due = now + std::min(kFirstRetry << std::min(work.failures, 6U), kLastRetry);
  if (work.failures++ == 0) {
    base::log_warning("certificate {}: no OCSP response from {}: {}", certificate.name, certificate.ocsp_url,
                      fetched.error());
  }
}

int OcspFetcher::stop_asked(void* self, long, long, long, long) {
  auto& fetcher = *static_cast<OcspFetcher*>(self);
  std::lock_guard lock(fetcher.mutex_);
  return fetcher.stopping_ ? 1 : 0;
}

base::Checked<void> OcspFetcher::fetch(const tls::Certificate& certificate) {
  WEIR_TRY_TO(auto request, tls::ocsp_request(certificate));
  CURL* curl = curl_easy_init();
  if (curl == nullptr) return std::unexpected("out of memory");
  std::string response;
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/ocsp-request");
  headers = curl_slist_append(headers, "Accept: application/ocsp-response");
  curl_easy_setopt(curl, CURLOPT_URL, certificate.ocsp_url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.size()));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &response);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, kTimeoutSeconds);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
  curl_easy_setopt(
      curl, CURLOPT_XFERINFOFUNCTION,
      +[](void* self, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) { return stop_asked(self, a, b, c, d); });
  CURLcode done = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  if (done != CURLE_OK) return std::unexpected(curl_easy_strerror(done));
  WEIR_TRY_TO(auto checked, tls::check_ocsp_response(certificate, response, std::time(nullptr)));
  certificate.staple->set(std::move(checked));
  return {};
}

void OcspFetcher::store(const tls::Certificate& certificate, const std::string& folder) const {
  if (folder.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::filesystem::path path = path_of(certificate, folder);
  std::filesystem::path fresh = path;
  fresh += ".new";
  std::shared_ptr<const tls::Staple::Response> response = certificate.staple->response();
  std::ofstream out(fresh, std::ios::binary);
  out.write(response->der.data(), static_cast<std::streamsize>(response->der.size()));
  out.close();
  if (out) std::filesystem::rename(fresh, path, error);
  if (!out || error)
    base::log_warning("cannot keep OCSP responses in {}: they are fetched again after a start", folder);
}

bool OcspFetcher::load(const tls::Certificate& certificate, const std::string& folder) const {
  if (folder.empty()) return false;
  std::ifstream in(path_of(certificate, folder), std::ios::binary);
  if (!in) return false;
  std::string der{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  auto checked = tls::check_ocsp_response(certificate, der, std::time(nullptr));
  if (!checked) return false;
  certificate.staple->set(*checked);
  return true;
}

}  // namespace weir::control
