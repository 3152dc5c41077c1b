// Pieces of the Prometheus text format 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "metrics/registry.h"

namespace weir::metrics {

// [a-zA-Z_:][a-zA-Z0-9_:]* and [a-zA-Z_][a-zA-Z0-9_]* not beginning with "__".
bool is_metric_name(std::string_view name);
bool is_label_name(std::string_view name);

// name="value",... sorted by name, without braces. Values are escaped; bytes that are not UTF-8 become U+FFFD. Asserts
// valid, distinct names.
std::string render_labels(const Labels& labels);

// # HELP and # TYPE.
void append_family_head(std::string& out, std::string_view name, std::string_view help, Type type);
// `labels` as render_labels gives them.
void append_sample(std::string& out, std::string_view name, std::string_view labels, std::uint64_t value);
void append_sample(std::string& out, std::string_view name, std::string_view labels, double value);
// All buckets (cumulated here), _sum in seconds and _count.
void append_histogram(std::string& out, std::string_view name, std::string_view labels,
                      const std::array<std::uint64_t, kLatencyBuckets>& buckets, std::uint64_t sum_nanoseconds);

}  // namespace weir::metrics
