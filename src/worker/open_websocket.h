// A WebSocket that is open, as its worker sees it.
#pragma once

#include "base/intrusive_list.h"

namespace weir::worker {

// In the worker's list while its relay runs; the worker's thread only.
class OpenWebsocket : public base::ListHook<OpenWebsocket> {
 public:
  // Both sides are told to close where the WebSocket's backend drains or its listener goes.
  virtual void close_where_it_must_go() = 0;

 protected:
  ~OpenWebsocket() = default;
};

}  // namespace weir::worker
