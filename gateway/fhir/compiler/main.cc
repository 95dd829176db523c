// Compiles HL7's R4 definitions to the constant tables of definition_tables_internal.h:
//   definitions_compiler <the package's R4 folder> <the corrections of the package>
//                        <the C++ source of the tables to write>
//                        <the C++ source of R4 as a compiled package to write>
// Runs at build time (gateway/fhir/definitions.cmake), never in the program.

#include <cstdio>
#include <fstream>
#include <string>

#include "gateway/fhir/compiler/corrections.h"
#include "gateway/fhir/compiler/package.h"
#include "gateway/fhir/compiler/r4_package.h"
#include "gateway/fhir/compiler/searches.h"
#include "gateway/fhir/compiler/table_writer.h"
#include "gateway/fhir/compiler/terminology.h"
#include "gateway/fhir/compiler/types.h"

namespace gw::fhir::compiler {
namespace {

Result<std::string> CompileTables(const Package& package) {
  TableWriter tables;
  GW_RETURN_IF_ERROR(CompileTypes(package, &tables));
  GW_RETURN_IF_ERROR(CompileTerminology(package, &tables));
  GW_RETURN_IF_ERROR(CompileSearches(package, &tables));
  return tables.Source();
}

Status Write(const std::string& path, const std::string& source) {
  std::ofstream file(path, std::ios::binary);
  file << source;
  file.close();
  return file ? Status() : Status(Error{Code::kUnavailable, "cannot write the tables", path});
}

Status Compile(const std::string& folder, const std::string& corrections_path,
               const std::string& tables_path, const std::string& package_path) {
  GW_TRY(Package package, ReadPackage(folder));
  GW_RETURN_IF_ERROR(Correct(corrections_path, &package));
  GW_TRY(const std::string tables, CompileTables(package));
  GW_TRY(const std::string compiled, CompileR4Package(package));
  GW_RETURN_IF_ERROR(Write(tables_path, tables));
  return Write(package_path, compiled);
}

}  // namespace
}  // namespace gw::fhir::compiler

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: definitions_compiler FOLDER CORRECTIONS TABLES PACKAGE\n");
    return 2;
  }
  const gw::Status status = gw::fhir::compiler::Compile(argv[1], argv[2], argv[3], argv[4]);
  if (!status) {
    std::fprintf(stderr, "definitions_compiler: %s (%s)\n", status.error().detail.c_str(),
                 status.error().where.c_str());
    return 1;
  }
  return 0;
}
