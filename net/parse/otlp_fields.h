// Field numbers and wire types of OTLP's messages (opentelemetry-proto 1.x). Internal to net/parse.
#pragma once

#include <protozero/types.hpp>

namespace tocsin::otlp {

enum class Wire { kVarint, kFixed64, kBytes, kFixed32 };

constexpr uint32_t field(uint32_t number, Wire wire) {
  constexpr protozero::pbf_wire_type kTypes[] = {
      protozero::pbf_wire_type::varint, protozero::pbf_wire_type::fixed64,
      protozero::pbf_wire_type::length_delimited, protozero::pbf_wire_type::fixed32};
  return protozero::tag_and_type(number, kTypes[static_cast<size_t>(wire)]);
}

// ExportLogsServiceRequest, ResourceLogs, Resource
inline constexpr uint32_t kResources = field(1, Wire::kBytes);
inline constexpr uint32_t kResource = field(1, Wire::kBytes);
inline constexpr uint32_t kScopes = field(2, Wire::kBytes);
inline constexpr uint32_t kResourceAttributes = field(1, Wire::kBytes);
// ScopeLogs, InstrumentationScope
inline constexpr uint32_t kScope = field(1, Wire::kBytes);
inline constexpr uint32_t kRecords = field(2, Wire::kBytes);
inline constexpr uint32_t kScopeName = field(1, Wire::kBytes);
inline constexpr uint32_t kScopeVersion = field(2, Wire::kBytes);
inline constexpr uint32_t kScopeAttributes = field(3, Wire::kBytes);
// LogRecord
inline constexpr uint32_t kTime = field(1, Wire::kFixed64);
inline constexpr uint32_t kSeverityNumber = field(2, Wire::kVarint);
inline constexpr uint32_t kSeverityText = field(3, Wire::kBytes);
inline constexpr uint32_t kBody = field(5, Wire::kBytes);
inline constexpr uint32_t kAttributes = field(6, Wire::kBytes);
inline constexpr uint32_t kDropped = field(7, Wire::kVarint);
inline constexpr uint32_t kFlags = field(8, Wire::kFixed32);
inline constexpr uint32_t kTraceId = field(9, Wire::kBytes);
inline constexpr uint32_t kSpanId = field(10, Wire::kBytes);
inline constexpr uint32_t kObservedTime = field(11, Wire::kFixed64);
inline constexpr uint32_t kEventName = field(12, Wire::kBytes);
// AnyValue; ArrayValue and KeyValueList have one field; KeyValue
inline constexpr uint32_t kAnyString = field(1, Wire::kBytes);
inline constexpr uint32_t kAnyBool = field(2, Wire::kVarint);
inline constexpr uint32_t kAnyInt = field(3, Wire::kVarint);
inline constexpr uint32_t kAnyDouble = field(4, Wire::kFixed64);
inline constexpr uint32_t kAnyArray = field(5, Wire::kBytes);
inline constexpr uint32_t kAnyList = field(6, Wire::kBytes);
inline constexpr uint32_t kAnyBytes = field(7, Wire::kBytes);
inline constexpr uint32_t kListValues = field(1, Wire::kBytes);
inline constexpr uint32_t kPairKey = field(1, Wire::kBytes);
inline constexpr uint32_t kPairValue = field(2, Wire::kBytes);

}  // namespace tocsin::otlp
