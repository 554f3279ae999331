#include "db/schema/own_columns.h"

namespace tocsin {
namespace {

constexpr OwnColumn tag_column(const char* name) {
  return {name, ColumnType::kString, ColumnKind::kTag};
}
constexpr OwnColumn text_column(const char* name) {
  return {name, ColumnType::kString, ColumnKind::kField};
}
constexpr OwnColumn integer_column(const char* name) {
  return {name, ColumnType::kI64, ColumnKind::kField};
}
constexpr OwnColumn number_column(const char* name) {
  return {name, ColumnType::kF64, ColumnKind::kField};
}
constexpr OwnColumn flag_column(const char* name) {
  return {name, ColumnType::kBool, ColumnKind::kField};
}
constexpr OwnColumn time_column(const char* name) {
  return {name, ColumnType::kI64, ColumnKind::kTime};
}

// Written by rules/alert_write.cpp.
constexpr OwnColumn kAlertColumns[] = {tag_column("rule"),         tag_column("type"),
                                       tag_column("severity"),     tag_column("state"),
                                       tag_column("service"),      number_column("value"),
                                       number_column("baseline"),  text_column("summary"),
                                       text_column("fingerprint"), time_column("started_at"),
                                       time_column("window_from"), time_column("window_to"),
                                       time_column("written_at"),  text_column("labels"),
                                       text_column("annotations"), text_column("samples"),
                                       flag_column("late"),        text_column("inhibited_by"),
                                       text_column("explanation"), text_column("query"),
                                       text_column("silenced_by"), text_column("acknowledged_by")};

// Written by net/deliver/deliver.cpp.
constexpr OwnColumn kDeliveryColumns[] = {tag_column("forwarder"),       tag_column("rule"),
                                          tag_column("state"),           tag_column("status"),
                                          text_column("fingerprint"),    text_column("id"),
                                          integer_column("http_status"), integer_column("attempts"),
                                          integer_column("latency_ms"),  text_column("error")};

// Written by net/parse/event_lag.cpp.
constexpr OwnColumn kEventLagColumns[] = {
    tag_column("service"),        tag_column("host"),       integer_column("lag_min_ms"),
    integer_column("lag_max_ms"), integer_column("events"), integer_column("peers_lag_min_ms")};

// Written by db/schema/reject_log.cpp.
constexpr OwnColumn kRejectedColumns[] = {
    tag_column("source"),       text_column("reason"),
    integer_column("count"),    integer_column("id"),
    text_column("line"),        flag_column("cut"),
    text_column("path"),        text_column("format"),
    text_column("precision"),   text_column("default_measurement"),
    text_column("tag_keys"),    text_column("time_keys"),
    text_column("time_layout"), text_column("time_zone"),
    text_column("header"),      integer_column("retried")};

}  // namespace

std::span<const OwnColumn> own_columns(std::string_view measurement) {
  if (measurement == kAlertsMeasurement) return kAlertColumns;
  if (measurement == kDeliveriesMeasurement) return kDeliveryColumns;
  if (measurement == kEventLagMeasurement) return kEventLagColumns;
  if (measurement == kRejectedMeasurement) return kRejectedColumns;
  return {};
}

}  // namespace tocsin
