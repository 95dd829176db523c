#include "tests/conformance/example_files.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

namespace gw {

namespace fs = std::filesystem;

Limits LargeLimits() {
  Limits limits;
  limits.json_nodes_max = 10'000'000;
  limits.xml_nodes_max = 10'000'000;
  return limits;
}

std::string Contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

std::vector<fs::path> Examples(const fs::path& folder) {
  std::vector<fs::path> examples;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".json") && name != "package.json" && name != ".index.json") {
      examples.push_back(entry.path());
    }
  }
  std::sort(examples.begin(), examples.end(), [](const fs::path& a, const fs::path& b) {
    return fs::file_size(a) > fs::file_size(b);
  });
  return examples;
}

void ForEach(const std::vector<fs::path>& examples,
             const std::function<void(const fs::path&)>& work) {
  std::atomic<size_t> next = 0;
  std::vector<std::thread> workers(std::max(1u, std::thread::hardware_concurrency()));
  for (std::thread& worker : workers) {
    worker = std::thread([&] {
      for (size_t at = next++; at < examples.size(); at = next++) {
        work(examples[at]);
      }
    });
  }
  for (std::thread& worker : workers) {
    worker.join();
  }
}

}  // namespace gw
