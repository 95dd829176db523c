# cmake -DTEST=<a test> -DLIST=<its exceptions> -DROOT=<the project> [-DLOCAL=<archive>] -P examples.cmake
#
# Runs a test on all examples of FHIR R4: fetches the package once and unpacks it beside the presets' build trees.
# Without a registry the test is skipped, in words that ctest looks for.
include(${ROOT}/cmake/npm_package.cmake)

set(cache ${ROOT}/build/examples)
string(CONCAT sha512
  "0d705d21939e41a48a220094ef0e87382eecc3fe81cf29668a92e4056e1ffffa"
  "53f8173de31fbc2c89b04ddbda35384f2683b3a41cefc40ccdaa37aedd7ff32f")
set(stamp ${cache}/${sha512}.unpacked)

file(MAKE_DIRECTORY ${cache})
file(LOCK ${cache}/lock TIMEOUT 600)  # several presets may be tested at once
if(NOT EXISTS ${stamp})
  npm_package(PACKAGE hl7.fhir.r4.examples@4.0.1 ARCHIVE hl7.fhir.r4.examples-4.0.1.tgz SHA512 ${sha512}
    CACHE ${cache} LOCAL "${LOCAL}" OUT archive WHY why)
  if(NOT archive)
    if(why MATCHES "pinned")
      message(FATAL_ERROR "${why}")
    endif()
    message("SKIPPED: the examples of FHIR R4 are not here. ${why}\n"
      "A copy of the package is taken with -DCAREGATE_EXAMPLES_TGZ=<file>.")
    return()
  endif()
  execute_process(COMMAND ${CMAKE_COMMAND} -E tar xzf ${archive} WORKING_DIRECTORY ${cache} RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "The examples package could not be unpacked: ${archive}")
  endif()
  file(TOUCH ${stamp})
endif()
file(LOCK ${cache}/lock RELEASE)

execute_process(COMMAND ${TEST} ${cache}/package ${LIST} RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "The examples of FHIR R4 are not as the list says: ${LIST}")
endif()
