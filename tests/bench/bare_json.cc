#include "tests/bench/bare_json.h"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

namespace gw::bench {
namespace {

struct Counter : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Counter> {
  bool Default() {
    ++events;
    return true;
  }
  size_t events = 0;
};

}  // namespace

size_t BareParse(std::string_view json) {
  rapidjson::MemoryStream stream(json.data(), json.size());
  rapidjson::Reader reader;
  Counter counter;
  reader.Parse(stream, counter);
  return counter.events;
}

}  // namespace gw::bench
