// Rules for a configuration beyond the type and range of each value. Reports every error. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "config/config.h"
#include "config/fault.h"
#include "config/kinds.h"

namespace weir::config {

// Everything, across objects and inside each. read_file and read_yaml have called it already; call it again on a
// configuration that was put together from several sources. Fault::at is the origin of the object at fault.
Faults validate(const Config& config, const Kinds& kinds);

// One object by itself; paths are relative to it. read_pool and its siblings have called these already.
Faults validate(const Pool& pool);
Faults validate(const Listener& listener);
Faults validate(const Route& route);
Faults validate(const Backend& backend);

// Whether `name` can be that of an object. 1 to 128 letters, digits and any of `._-/` can: they are fit for metric
// labels, URLs and lines of a log.
base::Checked<void> check_name(std::string_view name);

// Whether `format` is an access-log format: json, combined, or a template with %{field}.
base::Checked<void> check_log_format(std::string_view format);

}  // namespace weir::config
