// Whether other processes may have copies of this one's descriptors.
#pragma once

#include <atomic>

namespace weir::net {

// True once programs are run: a new process has copies of all descriptors until it has closed them. What the kernel
// watches (epoll) it then goes on watching after close(), so that whoever closes has to say so first. Any thread.
inline std::atomic<bool> descriptors_are_inherited{false};

}  // namespace weir::net
