#include "exchange/splice.h"

#include "net/splice.h"

namespace weir::exchange {
namespace {

using base::Error;
using base::ErrorCode;
using base::Side;

class BodySplice final : public net::SpliceOwner {
 public:
  BodySplice(base::Nanoseconds patience, Pace& pace, std::uint64_t& moved)
      : patience_(patience), pace_(pace), moved_(moved) {}
  void sent(std::size_t bytes) override { moved_ += bytes; }
  void wait_begins() override { pace_.wait_begins(); }
  void wait_ends() override { pace_.wait_ends(); }
  std::optional<base::TimePoint> pause() override { return net::Reactor::current().now() + patience_; }

 private:
  base::Nanoseconds patience_;
  Pace& pace_;
  std::uint64_t& moved_;
};

}  // namespace

net::Task<base::Result<void>> splice_body(net::Pipe& pipe, net::TcpStream& from, net::TcpStream& to,
                                          std::uint64_t bytes, base::Nanoseconds patience, Pace& pace,
                                          std::uint64_t& moved) {
  BodySplice body(patience, pace, moved);
  net::SpliceOptions options{.bytes = bytes, .patience = patience, .from_side = Side::backend, .to_side = Side::client};
  base::Result<net::SpliceEnd> end = co_await net::splice(pipe, from, to, options, body);
  if (end == net::SpliceEnd::all) co_return base::Result<void>();
  Error error{.code = ErrorCode::closed, .side = Side::backend, .what = "the body ended too early"};
  if (end == net::SpliceEnd::dry) {
    error = {.code = ErrorCode::timeout, .side = Side::backend, .what = "waiting for the peer"};
  } else if (!end) {
    error = end.error().side == Side::client ? end.error() : end.error().on(Side::backend);
  }
  co_return std::unexpected(error);
}

}  // namespace weir::exchange
