// CSV: split into records, and rows read by a feed's columns.
#include "gateway/map/csv/model.h"
#include "gateway/map/translate.h"
#include "tests/fuzz/fuzzing.h"

namespace {

gw::map::Feed MakeFeed() {
  gw::map::Feed feed;
  feed.format = gw::map::Feed::Format::kCsv;
  feed.name = "fuzz";
  feed.date_styles = {"DD/MM/YYYY", "YYYY-MM-DD"};
  const auto column = [&feed](const char* name, const char* type) {
    gw::map::Column added;
    added.name = name;
    added.headers = {name};
    added.type = type;
    feed.columns.push_back(added);
  };
  column("a", "string");
  column("b", "date");
  column("c", "decimal");
  column("d", "boolean");
  return feed;
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gw;
  static const map::Feed kFeed = MakeFeed();
  const Limits limits;
  const auto records = map::ReadCsv(fuzz::Text(data, size), kFeed, limits);
  if (!records || records->empty()) {
    return 0;
  }
  auto model = map::CsvModel::Make(kFeed, fuzz::R4());
  fuzz::Require(model.ok(), "the feed has a model");
  std::vector<map::Remark> remarks;
  if (!model->ReadHeader(records->front(), &remarks).ok()) {
    return 0;
  }
  fhir::Resource rows = fhir::Resource::MakeOf(*model->Find("Rows"));
  for (const map::CsvRecord& record : *records) {
    static_cast<void>(model->AppendRow(record, &rows.root(), &remarks).ok());
  }
  return 0;
}
