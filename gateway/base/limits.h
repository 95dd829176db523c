#pragma once

#include <cstdint>

namespace gw {

// Every bound on foreign input, in one place. Each has a test at the bound and one past it.
struct Limits {
  uint32_t body_bytes_max = 4u << 20;   // an HTTP body, a v2 message
  uint32_t csv_bytes_max = 64u << 20;   // a CSV file
  uint32_t json_depth_max = 64;         // FHIR in use stays below 30
  uint32_t json_members_max = 512;      // of one object
  uint32_t json_items_max = 100'000;    // of one array
  uint32_t json_nodes_max = 1'000'000;  // of one document
  uint32_t xml_depth_max = 128;         // elements, those of a narrative among them
  uint32_t xml_attributes_max = 64;     // of one element; libxml2 takes time with their square
  uint32_t xml_nodes_max = 1'000'000;   // elements of one document
  uint32_t v2_segments_max = 10'000;    // of one message
  uint32_t v2_fields_max = 1'000;       // of one segment
  uint32_t csv_rows_max = 1'000'000;
  uint32_t csv_columns_max = 512;
  uint32_t search_values_max = 100;   // ORed values of one request
  uint32_t search_count_max = 1'000;  // resources on one page
  uint32_t search_count_default = 50;
  uint32_t provision_depth_max = 32;  // nested provisions of one Consent
};

}  // namespace gw
