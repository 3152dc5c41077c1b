// One side of a tunnel, whatever carries it: a connection of its own, or a stream of an HTTP/2 connection.
#pragma once

#include <optional>

#include "base/free_list.h"
#include "http2/stream.h"
#include "net/task.h"
#include "net/tcp.h"

namespace weir::exchange {

class TunnelEnd {
 public:
  // The next bytes, which stay until the next read; empty at the end. Holds no buffer while it waits.
  virtual net::Task<base::Result<std::string_view>> read(base::TimePoint deadline) = 0;
  virtual net::Task<base::Result<void>> write(std::string_view bytes, base::Nanoseconds patience) = 0;
  // No more will be written.
  virtual void finish_writing() = 0;
  // Whoever waits finds the end.
  virtual void shut_down() = 0;
  // The chain to cancel as soon as the end takes no more; null for none. What it sent before can still be read.
  virtual void cancel_when_broken(net::TaskContext* context) = 0;
  // Why it takes no more, if it does not: Error{closed} where that is no failure.
  virtual std::optional<base::Error> broken() const = 0;

 protected:
  ~TunnelEnd() = default;
};

class ConnectionEnd final : public TunnelEnd {
 public:
  explicit ConnectionEnd(net::TcpStream& stream) : stream_(stream) {}
  net::Task<base::Result<std::string_view>> read(base::TimePoint deadline) override;
  net::Task<base::Result<void>> write(std::string_view bytes, base::Nanoseconds patience) override {
    co_return co_await stream_.write(bytes, patience);
  }
  void finish_writing() override { stream_.finish_writing(); }
  void shut_down() override { stream_.shut_down(); }
  void cancel_when_broken(net::TaskContext* context) override { stream_.cancel_when_broken(context); }
  std::optional<base::Error> broken() const override;

 private:
  net::TcpStream& stream_;
  base::Buffer buffer_;
};

class StreamEnd final : public TunnelEnd {
 public:
  explicit StreamEnd(http2::Stream& stream) : stream_(stream) {}
  net::Task<base::Result<std::string_view>> read(base::TimePoint deadline) override;
  net::Task<base::Result<void>> write(std::string_view bytes, base::Nanoseconds patience) override;
  void finish_writing() override { stream_.send({}, true); }
  void shut_down() override;
  void cancel_when_broken(net::TaskContext* context) override { stream_.cancel_when_reset(context); }
  std::optional<base::Error> broken() const override;

 private:
  http2::Stream& stream_;
};

// The one of the two that carries a side.
class EitherEnd {
 public:
  void use(net::TcpStream& connection) { connection_.emplace(connection); }
  void use(http2::Stream& stream) { stream_.emplace(stream); }
  TunnelEnd& operator*() { return connection_ ? static_cast<TunnelEnd&>(*connection_) : *stream_; }
  TunnelEnd* operator->() { return &**this; }

 private:
  std::optional<ConnectionEnd> connection_;
  std::optional<StreamEnd> stream_;
};

}  // namespace weir::exchange
