// Compiles HL7's R4 definitions to the constant tables of definition_tables_internal.h:
//   definitions_compiler <the package's R4 folder> <the C++ source to write>
// Runs at build time (gateway/fhir/definitions.cmake), never in the program.

#include <cstdio>
#include <fstream>
#include <string>

#include "gateway/fhir/compiler/package.h"
#include "gateway/fhir/compiler/searches.h"
#include "gateway/fhir/compiler/table_writer.h"
#include "gateway/fhir/compiler/terminology.h"
#include "gateway/fhir/compiler/types.h"

namespace gw::fhir::compiler {
namespace {

Result<std::string> Compile(const std::string& folder) {
  GW_TRY(const Package package, ReadPackage(folder));
  TableWriter tables;
  GW_RETURN_IF_ERROR(CompileTypes(package, &tables));
  GW_RETURN_IF_ERROR(CompileTerminology(package, &tables));
  GW_RETURN_IF_ERROR(CompileSearches(package, &tables));
  return tables.Source();
}

}  // namespace
}  // namespace gw::fhir::compiler

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: definitions_compiler FOLDER OUTPUT\n");
    return 2;
  }
  const gw::Result<std::string> source = gw::fhir::compiler::Compile(argv[1]);
  if (!source) {
    std::fprintf(stderr, "definitions_compiler: %s (%s)\n", source.error().detail.c_str(),
                 source.error().where.c_str());
    return 1;
  }
  std::ofstream file(argv[2], std::ios::binary);
  file << *source;
  file.close();
  if (!file) {
    std::fprintf(stderr, "definitions_compiler: cannot write the tables\n");
    return 1;
  }
  return 0;
}
