// A layer between the operations of a stream and its socket: TLS. A plain socket has none.
#pragma once

#include <cstdint>
#include <span>
#include <sys/uio.h>

#include "base/error.h"

namespace weir::net {

class Descriptor;

// Owned by its descriptor, used on that one's thread. The operations of a stream go through it instead of calling the
// system themselves, by the same rules: try, clear `readable` or `writable` of the descriptor when the kernel has
// nothing more, and say that waiting is needed. While bytes are there that were received but not handed out,
// `readable` stays set: the kernel tells of no edge for them.
class StreamFilter {
 public:
  enum class Wrote : std::uint8_t {
    done,        // everything was handed to the kernel, or `result` holds the error
    progressed,  // some of it was; wait until the descriptor is writable
    blocked,     // nothing was
  };

  virtual ~StreamFilter() = default;
  // False: wait until the descriptor is readable. Otherwise `result` holds the bytes read, 0 at an end that the peer
  // has announced; an end without that is Error{closed}.
  virtual bool read(Descriptor& descriptor, std::span<char> into, base::Result<std::size_t>& result) = 0;
  // Takes from the pieces by shortening them. Later calls must write what was taken, if need be without pieces.
  virtual Wrote write(Descriptor& descriptor, std::span<iovec> pieces, base::Result<void>& result) = 0;
  // True when the peer has neither closed nor sent anything for whoever reads the stream. Asks the kernel.
  virtual bool is_quiet(Descriptor& descriptor) = 0;
  // Bytes that it keeps because the socket has not taken them.
  virtual std::size_t unsent_bytes() const = 0;
  // Tells the peer that no more will be written, as far as the socket takes it at once; a write without pieces sends
  // the rest.
  virtual void finish_writing(Descriptor& descriptor) = 0;
};

}  // namespace weir::net
