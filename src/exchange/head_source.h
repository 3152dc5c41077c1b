// A head that is written in the form of whichever HTTP version takes it.
#pragma once

#include "http/head_writer.h"

namespace weir::exchange {

class HeadSource {
 public:
  // The start line and the fields that go beyond this hop. The fields of the hop itself (framing, Connection) and the
  // end of the head are the caller's. May be called again, when what it wrote did not fit. False: there is no such head
  // to be sent, whatever the room.
  virtual bool write(http::HeadWriter& writer) const = 0;

 protected:
  ~HeadSource() = default;
};

}  // namespace weir::exchange
