#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/map/translate.h"
#include "gateway/map/v2/model.h"

namespace gw::map {

// The model of the project's own tables, loaded once.
const V2Model& ProjectV2Model();

// A message of these segments (each line one) behind an MSH with this MSH-9 and MSH-7.
std::string V2MessageOf(const std::string& type, const std::string& segments,
                        const std::string& time = "20260120100000");

// A message as the model reads it.
struct V2Reading {
  std::optional<hl7v2::Message> message;  // whose texts the tree has
  Result<fhir::Resource> tree;
  std::vector<Remark> remarks;

  // The text at a path below the root; "-" where nothing stands, "null" for a null element.
  std::string At(std::string_view path) const;
  // "code where" of each remark.
  std::vector<std::string> Remarked() const;
  // "code where" of the error: "101 PID-3".
  std::string Refused() const;
};
V2Reading ReadV2(const std::string& text, const Feed& feed = Feed{});

// The segments of a tree with their groups, in document order: "PATHWAY(PTH NTE) OTHER:ZXX".
std::string OutlineOf(const fhir::Element& node);

}  // namespace gw::map
