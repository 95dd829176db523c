#pragma once

#include <string>
#include <vector>

#include "gateway/flow/operations.h"
#include "gateway/store/archive.h"

namespace gw::flow {

// What operators are told, as JSON objects: the same over /admin and on the command line.
// docs/operating.md lists the members.
std::string ToJson(const store::FeedState& state, const std::vector<store::FeedAlert>& alerts);
std::string ToJson(const store::CauseGroup& group);
std::string ToJson(const store::MessageEntry& entry);
// With bytes and answer: as text where they are UTF-8, else in base64 ("bytes_base64").
std::string ToJson(const store::KeptMessage& message);
std::string ToJson(const store::FieldCount& field);
std::string ToJson(const Taken& taken);
std::string ToJson(const Batch& batch);
std::string ToJson(const Trace& trace);

// One page of messages: {"messages": [ ... ], "more": ..., "after": ...}, the last two as of a
// Batch. `count`: how many were asked for.
std::string MessagesJson(const std::vector<store::MessageEntry>& entries, uint32_t count);
// {"name": [ ... ]} of objects made above.
std::string ListJson(std::string_view name, const std::vector<std::string>& objects);

}  // namespace gw::flow
